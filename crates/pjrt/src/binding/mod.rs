//! The C interface of PJRT plugins, as far as it is used here: version 0.81 of November 2025 and what came later.
//!
//! Handles are owned: what a plugin returns is given back when the value here is dropped. All `unsafe` code of the crate is
//! in this module.

mod api;
mod buffer;
mod calls;
mod client;
mod options;
mod plugin;
mod program;

pub(crate) use api::{Code, Failure};
pub(crate) use buffer::DeviceBuffer;
pub(crate) use client::{Client, ClientOptions};
pub(crate) use plugin::{Plugin, PluginError};
pub(crate) use program::{Given, Loaded};
