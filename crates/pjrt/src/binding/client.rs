//! Clients: a plugin at work on its devices.
#![expect(unsafe_code, reason = "functions of the plugin are called")]

use std::{ffi::c_void, ptr, sync::Arc};

use super::{
    api::{Failure, text_at},
    calls::{
        AddressableDevices, ClientCreate, ClientDestroy, DeviceDescription, DeviceId, DeviceKind, EventAwait,
        EventDestroy, Handle, MemoryStats, NUMBER, NamedValue, Optional, PlatformName, PlatformVersion,
    },
    plugin::Plugin,
};

/// What is asked of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ClientOptions {
    /// How many devices a plugin for processors is to make of them; others refuse the option.
    pub(crate) cpu_devices: Option<usize>,
}

/// A plugin's client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) plugin: Arc<Plugin>,
    pub(super) handle: Handle,
    devices: Vec<Handle>,
    /// As `cpu` or `cuda`.
    pub(crate) platform: String,
    /// The version of what the platform runs on.
    pub(crate) platform_version: String,
}

// SAFETY: the interface demands that clients, and all they make, can be used on any thread at any time.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub(crate) fn new(plugin: Arc<Plugin>, options: ClientOptions) -> Result<Self, Failure> {
        let named: Vec<NamedValue> = options.cpu_devices.map(cpu_device_count).into_iter().collect();
        let arguments = ClientCreate {
            options: named.as_ptr(),
            option_count: named.len(),
            key_value: [ptr::null(); 4],
            client: ptr::null_mut(),
            try_get: [ptr::null(); 2],
        };
        // SAFETY: the options live until the call returns; there are no other processes to exchange values with.
        let handle = unsafe { plugin.api.call(arguments) }?.client;
        let (platform, platform_version) = (String::new(), String::new());
        let mut client = Self { plugin, handle, devices: Vec::new(), platform, platform_version };
        client.describe()?;
        Ok(client)
    }

    fn describe(&mut self) -> Result<(), Failure> {
        let (api, client) = (&self.plugin.api, self.handle);
        // SAFETY: in this function, the client is alive, the other fields are results, and texts live as long as it.
        let found = unsafe { api.call(PlatformName { client, name: ptr::null(), size: 0 }) }?;
        // SAFETY: as above.
        self.platform = unsafe { text_at(found.name, found.size) };
        // SAFETY: as above.
        let found = unsafe { api.call(PlatformVersion { client, version: ptr::null(), size: 0 }) }?;
        // SAFETY: as above.
        self.platform_version = unsafe { text_at(found.version, found.size) };
        // SAFETY: as above.
        let found = unsafe { api.call(AddressableDevices { client, devices: ptr::null(), count: 0 }) }?;
        if !found.devices.is_null() {
            // SAFETY: the plugin gives so many.
            self.devices = unsafe { std::slice::from_raw_parts(found.devices, found.count) }.to_vec();
        }
        Ok(())
    }

    /// The number of devices.
    pub(crate) fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// The device at a position; the type of its handle is the plugin's own.
    pub(super) fn device(&self, position: usize) -> Handle {
        self.devices[position]
    }

    /// The kind of a device, as `NVIDIA H100 80GB HBM3`.
    pub(crate) fn device_kind(&self, position: usize) -> Result<String, Failure> {
        let kind = DeviceKind { description: self.description(position)?, kind: ptr::null(), size: 0 };
        // SAFETY: the description is the client's, and the other fields are results.
        let found = unsafe { self.plugin.api.call(kind) }?;
        // SAFETY: the text lives as long as the device.
        Ok(unsafe { text_at(found.kind, found.size) })
    }

    /// The number by which the plugin knows a device.
    pub(super) fn device_id(&self, position: usize) -> Result<i32, Failure> {
        let question = DeviceId { description: self.description(position)?, id: 0 };
        // SAFETY: the description is the client's, and the other field is a result.
        Ok(unsafe { self.plugin.api.call(question) }?.id)
    }

    fn description(&self, position: usize) -> Result<Handle, Failure> {
        let question = DeviceDescription { device: self.device(position), description: ptr::null_mut() };
        // SAFETY: the device is the client's, and the other field is a result.
        Ok(unsafe { self.plugin.api.call(question) }?.description)
    }

    /// The bytes of a device's memory that can be used, where the plugin tells.
    pub(crate) fn memory_limit(&self, position: usize) -> Option<u64> {
        let none = Optional::default();
        let device = self.device(position);
        let stats = MemoryStats {
            device,
            in_use: 0,
            peak: none,
            allocations: none,
            largest: none,
            limit: none,
            others: [none; 6],
        };
        // SAFETY: the device is the client's, and the other fields are results.
        let found = unsafe { self.plugin.api.call(stats) }.ok()?;
        found.limit.get().and_then(|bytes| u64::try_from(bytes).ok())
    }

    /// Waits for an event, and gives it back.
    ///
    /// # Safety
    /// `event` is one of this plugin's, or null for none, and nobody else has it.
    pub(super) unsafe fn wait(&self, event: Handle) -> Result<(), Failure> {
        if event.is_null() {
            return Ok(());
        }
        // SAFETY: as promised by the caller.
        let result = unsafe { self.plugin.api.call(EventAwait { event }) };
        // SAFETY: nothing uses the event afterwards.
        let _ = unsafe { self.plugin.api.call(EventDestroy { event }) };
        result.map(|_| ())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: what the client has made holds the client, so nothing of it is left.
        let _ = unsafe { self.plugin.api.call(ClientDestroy { client: self.handle }) };
    }
}

fn cpu_device_count(count: usize) -> NamedValue {
    const NAME: &str = "cpu_device_count";
    NamedValue {
        struct_size: size_of::<NamedValue>(),
        extensions: ptr::null_mut::<c_void>(),
        name: NAME.as_ptr(),
        name_size: NAME.len(),
        kind: NUMBER,
        value: count as u64,
        value_size: 1,
    }
}
