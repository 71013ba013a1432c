//! Programs that a plugin has compiled.
#![expect(unsafe_code, reason = "functions of the plugin are called with lists of its handles")]

use std::{ptr, slice, sync::Arc};

use graph::Ty;

use super::{
    api::Failure,
    buffer::DeviceBuffer,
    calls::{
        Compile, CompiledMemory, Deserialize, ExecutableDestroy, Execute, ExecuteOptions, GetExecutable,
        Handle, LoadedDestroy, NumOutputs, ProgramText, Serialize,
    },
    client::Client,
    options::compile_options,
};

/// A compiled program, bound to a device or not.
#[derive(Debug)]
pub(crate) struct Loaded {
    client: Arc<Client>,
    handle: Handle,
}

// SAFETY: the interface demands that executables can be used on any thread at any time.
unsafe impl Send for Loaded {}
// SAFETY: as above.
unsafe impl Sync for Loaded {}

/// An argument of a run.
#[derive(Debug)]
pub(crate) enum Given {
    /// Its memory may become a result's.
    Away(DeviceBuffer),
    /// It stays as it is.
    Kept(Arc<DeviceBuffer>),
}

impl Given {
    /// Given away, unless something else holds the buffer.
    pub(crate) fn given_away(self) -> Self {
        match self {
            Self::Kept(buffer) => Arc::try_unwrap(buffer).map_or_else(Self::Kept, Self::Away),
            Self::Away(_) => self,
        }
    }

    fn buffer(&self) -> &DeviceBuffer {
        match self {
            Self::Away(buffer) => buffer,
            Self::Kept(buffer) => buffer,
        }
    }
}

impl Loaded {
    /// Compiles StableHLO text for the device at a position; without one, for every device of the client.
    pub(crate) fn compile(client: &Arc<Client>, device: Option<usize>, text: &str) -> Result<Self, Failure> {
        const FORMAT: &str = "mlir";
        let api = &client.plugin.api;
        let program = api.padded(ProgramText {
            code: text.as_ptr(),
            code_size: text.len(),
            format: FORMAT.as_ptr(),
            format_size: FORMAT.len(),
        });
        let options = compile_options(device.map(|device| client.device_id(device)).transpose()?);
        let arguments = Compile {
            client: client.handle,
            program: &raw const program,
            options: options.as_ptr(),
            options_size: options.len(),
            executable: ptr::null_mut(),
        };
        // SAFETY: program and options live until the call returns.
        let handle = unsafe { api.call(arguments) }?.executable;
        Ok(Self { client: Arc::clone(client), handle })
    }

    /// What [`Self::serialize`] has written.
    pub(crate) fn deserialize(client: &Arc<Client>, bytes: &[u8]) -> Result<Self, Failure> {
        let arguments = Deserialize {
            client: client.handle,
            bytes: bytes.as_ptr(),
            size: bytes.len(),
            executable: ptr::null_mut(),
            options: ptr::null(),
            options_size: 0,
        };
        // SAFETY: the bytes live until the call returns.
        let handle = unsafe { client.plugin.api.call(arguments) }?.executable;
        Ok(Self { client: Arc::clone(client), handle })
    }

    /// The compiled program as bytes, for this plugin on this kind of device alone.
    pub(crate) fn serialize(&self) -> Result<Vec<u8>, Failure> {
        self.with_executable(|executable| {
            let arguments =
                Serialize { executable, bytes: ptr::null(), size: 0, backing: ptr::null_mut(), free: None };
            // SAFETY: the executable is alive, and the other fields are results.
            let found = unsafe { self.client.plugin.api.call(arguments) }?;
            let bytes = if found.bytes.is_null() {
                Vec::new()
            } else {
                // SAFETY: so many bytes live until they are freed below.
                unsafe { slice::from_raw_parts(found.bytes, found.size) }.to_vec()
            };
            if let Some(free) = found.free {
                free(found.backing);
            }
            Ok(bytes)
        })
    }

    /// The number of results.
    pub(crate) fn result_count(&self) -> Result<usize, Failure> {
        self.with_executable(|executable| {
            // SAFETY: the executable is alive, and the other field is a result.
            Ok(unsafe { self.client.plugin.api.call(NumOutputs { executable, count: 0 }) }?.count)
        })
    }

    /// Bytes of working memory, where the plugin tells.
    pub(crate) fn temporary_bytes(&self) -> Option<usize> {
        let bytes = self.with_executable(|executable| {
            let arguments = CompiledMemory {
                executable,
                code: 0,
                arguments: 0,
                results: 0,
                aliased: 0,
                temporary: 0,
                host: [0; 5],
                peak: 0,
            };
            // SAFETY: the executable is alive, and the other fields are results.
            Ok(unsafe { self.client.plugin.api.call(arguments) }?.temporary)
        });
        usize::try_from(bytes.ok()?).ok()
    }

    fn with_executable<T>(&self, act: impl FnOnce(Handle) -> Result<T, Failure>) -> Result<T, Failure> {
        let api = &self.client.plugin.api;
        let question = GetExecutable { loaded: self.handle, executable: ptr::null_mut() };
        // SAFETY: the program is alive, and the other field is a result.
        let executable = unsafe { api.call(question) }?.executable;
        let result = act(executable);
        // SAFETY: nothing uses it afterwards.
        let _ = unsafe { api.call(ExecutableDestroy { executable }) };
        result
    }

    /// Starts a run and returns its results, which may still be computed. Their types are what the program says. A program
    /// that is not bound needs the position of a device.
    pub(crate) fn run(
        &self,
        arguments: &[Given],
        types: &[Ty],
        device: Option<usize>,
    ) -> Result<Vec<DeviceBuffer>, Failure> {
        let handles: Vec<Handle> = arguments.iter().map(|argument| argument.buffer().handle).collect();
        let kept: Vec<i64> = (0..)
            .zip(arguments)
            .filter(|(_, argument)| matches!(argument, Given::Kept(_)))
            .map(|(position, _)| position)
            .collect();
        let mut results: Vec<Handle> = vec![ptr::null_mut(); types.len()];
        let api = &self.client.plugin.api;
        let options = api.padded(ExecuteOptions {
            callbacks: [ptr::null(); 2],
            callback_counts: [0; 2],
            launch: 0,
            kept: kept.as_ptr(),
            kept_count: kept.len(),
            context: ptr::null(),
            call_location: ptr::null(),
            task_count: 0,
            tasks: [ptr::null(); 2],
        });
        let call = Execute {
            executable: self.handle,
            options: &raw const options,
            arguments: &handles.as_ptr(),
            device_count: 1,
            argument_count: handles.len(),
            results: &results.as_mut_ptr(),
            complete: ptr::null_mut(),
            device: device.map_or(ptr::null_mut(), |device| self.client.device(device)),
        };
        // SAFETY: there is one list of arguments, all alive and of the program's types, and room for all its results.
        unsafe { api.call(call) }?;
        let buffer = |(handle, ty): (Handle, &Ty)| DeviceBuffer {
            client: Arc::clone(&self.client),
            handle,
            ty: ty.clone(),
        };
        Ok(results.into_iter().zip(types).map(buffer).collect())
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: nobody else has the program.
        let _ = unsafe { self.client.plugin.api.call(LoadedDestroy { executable: self.handle }) };
    }
}
