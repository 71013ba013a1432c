//! From a plugin's file to its devices.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Pjrt, Precision,
    binding::{Client, ClientOptions, Failure, Plugin, PluginError},
};

/// How a plugin is to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How many devices a plugin for processors makes of them; `None` leaves it to the plugin. Plugins for other devices
    /// refuse it.
    pub cpu_devices: Option<usize>,
    /// How exactly products of `f32` are computed.
    pub precision: Precision,
    /// The folder where compiled programs are kept; `None` for none.
    pub cache: Option<PathBuf>,
}

/// Why a plugin cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file is no plugin of a version that can be used.
    #[error("the PJRT plugin '{}' {problem}", path.display())]
    Plugin {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The plugin finds no device, or libraries that it needs are missing.
    #[error(
        "the PJRT plugin '{}' cannot use a device: {problem}. Plugins for GPUs need the vendor's driver and libraries; \
         those of Python wheels find them beside themselves, so install the wheel with its dependencies \
         (pip install \"jax[cuda13]\") and name the file inside of it",
        path.display()
    )]
    Client {
        /// The file.
        path: PathBuf,
        /// What the plugin says.
        problem: String,
    },
    /// No plugin for CUDA is where they usually are.
    #[error(
        "no plugin for CUDA was found in the active Python environment or the system's; install one \
         (pip install \"jax[cuda13]\"), or name its file: --device pjrt:FILE"
    )]
    NoCuda,
    /// There is no device with this number.
    #[error("the PJRT plugin '{}' has {count} devices, numbered from 0; there is no device {wanted}", path.display())]
    NoDevice {
        /// The file.
        path: PathBuf,
        /// The number of its devices.
        count: usize,
        /// The number that was asked for.
        wanted: usize,
    },
}

/// A plugin at work, and its devices.
#[derive(Clone, Debug)]
pub struct Devices {
    client: Arc<Client>,
    settings: Settings,
}

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number.
    pub number: usize,
    /// As `NVIDIA H100 80GB HBM3`.
    pub kind: String,
    /// Bytes of memory that can be used, where the plugin tells.
    pub memory_bytes: Option<u64>,
}

impl Devices {
    /// Loads a plugin, which stays loaded until the process ends, and starts it on its devices.
    ///
    /// # Errors
    /// Where the file cannot be read, is no plugin, has a version that is too old or too new, or finds no device.
    pub fn open(path: &Path, settings: Settings) -> Result<Self, OpenError> {
        let plugin = Plugin::load(path).map_err(|problem: PluginError| OpenError::Plugin {
            path: path.to_owned(),
            problem: problem.to_string(),
        })?;
        let options = ClientOptions { cpu_devices: settings.cpu_devices };
        let client = Client::new(plugin, options).map_err(|failure: Failure| OpenError::Client {
            path: path.to_owned(),
            problem: failure.to_string(),
        })?;
        Ok(Self { client: Arc::new(client), settings })
    }

    /// The plugin's file, with links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.client.plugin.path
    }

    /// As `cpu` or `cuda`.
    #[must_use]
    pub fn platform(&self) -> &str {
        &self.client.platform
    }

    /// The version of what the platform runs on, as the plugin says it.
    #[must_use]
    pub fn platform_version(&self) -> &str {
        &self.client.platform_version
    }

    /// The version of the plugin's interface: major and minor number.
    #[must_use]
    pub fn interface(&self) -> [i32; 2] {
        self.client.plugin.version
    }

    /// What the plugin says of itself by name, such as `xla_version` and `stablehlo_current_version`.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.client.plugin.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The number of devices.
    #[must_use]
    pub fn count(&self) -> usize {
        self.client.device_count()
    }

    /// The devices.
    #[must_use]
    pub fn list(&self) -> Vec<DeviceInfo> {
        let info = |number| DeviceInfo {
            number,
            kind: self.client.device_kind(number).unwrap_or_default(),
            memory_bytes: self.client.memory_limit(number),
        };
        (0..self.count()).map(info).collect()
    }

    /// The executor of a device, by its number.
    ///
    /// # Errors
    /// [`OpenError::NoDevice`] where there is none of this number.
    pub fn executor(&self, number: usize) -> Result<Pjrt, OpenError> {
        self.team(&[number])
    }

    /// The executor of the first of these devices, with the others as its companions, which share its work. A device
    /// named twice takes two parts, one after the other.
    ///
    /// # Errors
    /// [`OpenError::NoDevice`] where there is none of a number; 0 is missing where the list is empty.
    pub fn team(&self, numbers: &[usize]) -> Result<Pjrt, OpenError> {
        let (count, path) = (self.count(), self.path().to_owned());
        let missing = numbers.iter().copied().find(|&number| number >= count);
        match missing.or(numbers.is_empty().then_some(0)) {
            Some(wanted) => Err(OpenError::NoDevice { path, count, wanted }),
            None => Ok(Pjrt::new(&self.client, numbers, &self.settings)),
        }
    }
}
