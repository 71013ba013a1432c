//! `isoloss devices`: what there is to compute on.

use clap::Args;
use isoloss::{
    device::{self, Spec},
    tensor::parallel,
};
use serde_json::{Value, json};

use super::Run;
use crate::{
    common::Common,
    failure::Failure,
    outcome::{Answer, Outcome},
    session::{self, Session},
};

/// Say what there is to compute on
///
/// The processor is always there. A device of another kind needs a PJRT plugin, a file that the device's maker ships: the one
/// of --device or $ISOLOSS_DEVICE is looked into, and so are those for CUDA of Python environments. What cannot be used is
/// shown with its reason. docs/devices.md says where plugins come from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  isoloss devices
  isoloss devices --device pjrt:plugins/pjrt_c_api_cpu_plugin.so,devices=4
  isoloss train --model resnet8 --data cifar10:DIR --device cuda")]
pub(crate) struct Devices {
    #[command(flatten)]
    common: Common,
}

/// A plugin, and what it finds.
struct Found {
    spec: String,
    opened: Result<device::Devices, String>,
}

impl Run for Devices {
    fn common(&self) -> Common {
        // The device is what is asked about: that it cannot be used is an answer.
        Common { device: Some(device::CPU.to_owned()), ..self.common.clone() }
    }

    fn uses_plugins(&self) -> bool {
        true
    }

    fn run(&self, session: &Session) -> Result<Outcome, Failure> {
        let asked = session::device(&self.common);
        let usual = device::cuda_plugins().into_iter().map(|path| format!("pjrt:{}", path.display()));
        let found: Vec<Found> = asked.into_iter().chain(usual).map(open).collect::<Result<_, _>>()?;
        let cpu = session.executor().name();
        let mut text = format!("cpu\n  {cpu}, {} threads\n", parallel::threads());
        found.iter().for_each(|found| text += &description(found));
        if found.is_empty() {
            text += "\nNo PJRT plugin was found; docs/devices.md says where they come from.\n";
        }
        let plugins: Vec<Value> = found.iter().map(description_json).collect();
        let json = json!({ "cpu": { "name": cpu, "threads": parallel::threads() }, "plugins": plugins });
        Ok(Outcome { answer: Answer::Yes, text, json })
    }
}

/// Words that name no device are an error; a device that cannot be used is not.
fn open(spec: String) -> Result<Found, Failure> {
    let parsed: Spec = spec.parse()?;
    Ok(Found { opened: parsed.devices().map_err(|error| error.to_string()), spec })
}

fn description(found: &Found) -> String {
    let mut text = format!("\n{}\n", found.spec);
    match &found.opened {
        Err(reason) => text += &format!("  cannot be used: {reason}\n"),
        Ok(devices) => {
            let [major, minor] = devices.interface();
            let version = devices.platform_version().lines().next().unwrap_or_default();
            text += &format!("  platform {} ({version}), PJRT {major}.{minor}\n", devices.platform());
            for device in devices.list() {
                let memory = device
                    .memory_bytes
                    .map(|bytes| format!(", {:.1} GiB", bytes as f64 / f64::from(1 << 30)));
                text +=
                    &format!("  device={}: {}{}\n", device.number, device.kind, memory.unwrap_or_default());
            }
        }
    }
    text
}

fn description_json(found: &Found) -> Value {
    match &found.opened {
        Err(reason) => json!({ "device": found.spec, "error": reason }),
        Ok(devices) => json!({
            "device": found.spec,
            "file": devices.path(),
            "platform": devices.platform(),
            "platform_version": devices.platform_version(),
            "interface": devices.interface(),
            "attributes": devices.attributes().collect::<std::collections::BTreeMap<_, _>>(),
            "devices": devices.list().iter().map(|device| json!({
                "number": device.number,
                "kind": device.kind,
                "memory_bytes": device.memory_bytes,
            })).collect::<Vec<_>>(),
        }),
    }
}
