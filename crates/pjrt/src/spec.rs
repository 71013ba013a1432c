//! Devices as people write them.

use std::{
    env,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{Devices, OpenError, Pjrt, Precision, Settings, discovery};

/// Devices of a plugin, as `pjrt:FILE` or `cuda`, with options after commas: `pjrt:FILE,device=1,precision=fast`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    place: Place,
    chosen: Chosen,
    settings: Settings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Cuda,
}

/// Which of the plugin's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Chosen {
    All,
    Numbers(Vec<usize>),
}

/// What is wrong with a device as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{spec}' is no device: {problem}; write cpu, cuda, or pjrt:FILE with the file of a PJRT plugin, and options as in pjrt:FILE,device=1,precision=fast"
)]
pub struct SpecError {
    spec: String,
    problem: String,
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let mut parts = spec.split(',');
        let place = parts.next().map_or(Err(String::new()), place);
        let fault = |problem: String| SpecError { spec: spec.to_owned(), problem };
        let settings = Settings { cache: default_cache(), ..Settings::default() };
        let mut found = Self { place: place.map_err(fault)?, chosen: Chosen::Numbers(vec![0]), settings };
        parts.try_for_each(|part| found.set(part)).map_err(fault)?;
        Ok(found)
    }
}

fn place(text: &str) -> Result<Place, String> {
    match text.split_once(':') {
        Some(("pjrt", "")) => Err("the plugin's file is missing".to_owned()),
        Some(("pjrt", file)) => Ok(Place::File(file.into())),
        None if text == "cuda" => Ok(Place::Cuda),
        _ => Err(format!("'{text}' is not known")),
    }
}

impl Spec {
    fn set(&mut self, option: &str) -> Result<(), String> {
        let count = |value: &str| value.parse::<usize>().map_err(|_| format!("{option} wants whole numbers"));
        match option.split_once('=') {
            Some(("device", "all")) => self.chosen = Chosen::All,
            Some(("device", value)) => {
                self.chosen = Chosen::Numbers(value.split('+').map(count).collect::<Result<_, _>>()?);
            }
            Some(("devices", value)) => match count(value)? {
                0 => return Err("devices=0 leaves no device".to_owned()),
                devices => self.settings.cpu_devices = Some(devices),
            },
            Some(("precision", "exact")) => self.settings.precision = Precision::Exact,
            Some(("precision", "fast")) => self.settings.precision = Precision::Fast,
            Some(("cache", "off")) => self.settings.cache = None,
            Some(("cache", folder)) => self.settings.cache = Some(folder.into()),
            _ => {
                return Err(format!(
                    "option '{option}' is not known; known: device=N, device=N+N, device=all, devices=N (of a plugin for \
                     processors), \
                     precision=exact|fast, cache=DIR|off"
                ));
            }
        }
        Ok(())
    }

    /// Loads the plugin and starts it on its devices.
    ///
    /// # Errors
    /// See [`Devices::open`]; and where no plugin for CUDA is found.
    pub fn devices(&self) -> Result<Devices, OpenError> {
        let path = match &self.place {
            Place::File(file) => file.clone(),
            Place::Cuda => discovery::cuda_plugins().into_iter().next().ok_or(OpenError::NoCuda)?,
        };
        Devices::open(&path, self.settings.clone())
    }

    /// The executor of the device, or of the first one with the others as its companions.
    ///
    /// # Errors
    /// See [`Spec::devices`] and [`Devices::team`].
    pub fn open(&self) -> Result<Pjrt, OpenError> {
        let devices = self.devices()?;
        match &self.chosen {
            Chosen::All => devices.team(&(0..devices.count()).collect::<Vec<_>>()),
            Chosen::Numbers(numbers) => devices.team(numbers),
        }
    }
}

/// Where the system keeps what can be made again: `$XDG_CACHE_HOME/isoloss` or `~/.cache/isoloss`; `None` where neither is
/// known.
fn default_cache() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || set("HOME").map(|home| home.join(".cache"));
    Some(set("XDG_CACHE_HOME").or_else(home)?.join(Path::new("isoloss").join("programs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_file() {
        let spec: Spec = "pjrt:a/b.so,device=1,devices=4,precision=fast,cache=off".parse().expect("a device");
        let settings = Settings { cpu_devices: Some(4), precision: Precision::Fast, cache: None };
        let chosen = Chosen::Numbers(vec![1]);
        assert_eq!(spec, Spec { place: Place::File("a/b.so".into()), chosen, settings });
        let chosen = |text: &str| text.parse::<Spec>().expect("devices").chosen;
        assert_eq!(chosen("cuda,device=2+0"), Chosen::Numbers(vec![2, 0]));
        assert_eq!(chosen("cuda,device=all"), Chosen::All);
        assert_eq!("cuda,cache=c".parse::<Spec>().expect("a device").settings.cache, Some("c".into()));
    }

    #[test]
    fn what_is_wrong_with_a_device_is_said() {
        let problem = |text: &str| text.parse::<Spec>().expect_err("wrong").problem;
        assert_eq!(problem("gpu"), "'gpu' is not known");
        assert_eq!(problem("pjrt:"), "the plugin's file is missing");
        assert_eq!(problem("cuda,device=x"), "device=x wants whole numbers");
        assert_eq!(problem("cuda,device=0+"), "device=0+ wants whole numbers");
        assert_eq!(problem("cuda,devices=0"), "devices=0 leaves no device");
        assert!(problem("cuda,fast").starts_with("option 'fast' is not known; known: "));
    }
}
