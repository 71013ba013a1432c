//! Where graphs run: this program's own executor for the processor, or a device of a PJRT plugin.
//!
//! ```
//! let executor = isoloss::device::open("cpu")?;
//! assert!(executor.name().starts_with("cpu"));
//! assert!(isoloss::device::open("pjrt:no-such-file.so").is_err());
//! # Ok::<(), isoloss::device::DeviceError>(())
//! ```

use graph::Executor;

use crate::Cpu;

#[cfg(feature = "pjrt")]
pub use pjrt::{
    DeviceInfo, Devices, OpenError, Pjrt, Precision, Settings, Spec, SpecError, cuda_plugins, stablehlo,
};

/// The word for the processor.
pub const CPU: &str = "cpu";

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The words name no device.
    #[cfg(feature = "pjrt")]
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The device cannot be opened.
    #[cfg(feature = "pjrt")]
    #[error(transparent)]
    Open(#[from] OpenError),
    /// This program was built without the feature `pjrt`.
    #[error(
        "this program was built without devices, so --device {spec} is not there: build it with --features pjrt"
    )]
    NotBuilt {
        /// The device that was asked for.
        spec: String,
    },
}

/// The executor of a device: `cpu`, `cuda`, or `pjrt:FILE` with options after commas (see [`Spec`]).
///
/// # Errors
/// Where the words name no device, or it cannot be used.
pub fn open(spec: &str) -> Result<Box<dyn Executor>, DeviceError> {
    if spec == CPU {
        return Ok(Box::new(Cpu::new()));
    }
    open_plugin(spec)
}

#[cfg(feature = "pjrt")]
fn open_plugin(spec: &str) -> Result<Box<dyn Executor>, DeviceError> {
    Ok(Box::new(spec.parse::<Spec>()?.open()?))
}

#[cfg(not(feature = "pjrt"))]
fn open_plugin(spec: &str) -> Result<Box<dyn Executor>, DeviceError> {
    Err(DeviceError::NotBuilt { spec: spec.to_owned() })
}
