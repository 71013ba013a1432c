//! The structures of arguments, field by field as in `pjrt_c_api.h`, without size and extensions, which all begin with.
#![expect(unsafe_code, reason = "the layouts are promised to match those of the C header")]

use std::ffi::c_void;

use super::api::{Arguments, Padded};

/// A pointer to something of the plugin's own.
pub(super) type Handle = *mut c_void;

/// Declares structures with the place and the name of their function.
macro_rules! calls {
    ($($slot:literal $function:literal $name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {
        $(
            #[doc = concat!("`", $function, "`.")]
            #[repr(C)]
            #[derive(Clone, Copy, Debug)]
            pub(super) struct $name { $(pub(super) $field: $ty),* }

            // SAFETY: the fields are those of version 0.81 in their order, and later versions only add to them.
            unsafe impl Arguments for $name {
                const SLOT: usize = $slot;
                const NAME: &'static str = $function;
            }
        )*
    };
}

calls! {
    0 "PJRT_Error_Destroy" ErrorDestroy { error: Handle }
    1 "PJRT_Error_Message" ErrorMessage { error: Handle, message: *const u8, size: usize }
    2 "PJRT_Error_GetCode" ErrorCode { error: Handle, code: i32 }
    3 "PJRT_Plugin_Initialize" PluginInitialize {}
    4 "PJRT_Plugin_Attributes" PluginAttributes { attributes: *const NamedValue, count: usize }
    5 "PJRT_Event_Destroy" EventDestroy { event: Handle }
    8 "PJRT_Event_Await" EventAwait { event: Handle }
    10 "PJRT_Client_Create" ClientCreate {
        options: *const NamedValue,
        option_count: usize,
        key_value: [*const c_void; 4],
        client: Handle,
        try_get: [*const c_void; 2],
    }
    11 "PJRT_Client_Destroy" ClientDestroy { client: Handle }
    12 "PJRT_Client_PlatformName" PlatformName { client: Handle, name: *const u8, size: usize }
    14 "PJRT_Client_PlatformVersion" PlatformVersion { client: Handle, version: *const u8, size: usize }
    16 "PJRT_Client_AddressableDevices" AddressableDevices {
        client: Handle,
        devices: *const Handle,
        count: usize,
    }
    20 "PJRT_Client_Compile" Compile {
        client: Handle,
        program: *const Padded<ProgramText>,
        options: *const u8,
        options_size: usize,
        executable: Handle,
    }
    22 "PJRT_Client_BufferFromHostBuffer" BufferFromHost {
        client: Handle,
        data: *const c_void,
        element: i32,
        sizes: *const i64,
        rank: usize,
        strides: *const i64,
        stride_count: usize,
        semantics: i32,
        device: Handle,
        memory: Handle,
        layout: *const c_void,
        done_with_data: Handle,
        buffer: Handle,
    }
    23 "PJRT_DeviceDescription_Id" DeviceId { description: Handle, id: i32 }
    26 "PJRT_DeviceDescription_Kind" DeviceKind { description: Handle, kind: *const u8, size: usize }
    29 "PJRT_Device_GetDescription" DeviceDescription { device: Handle, description: Handle }
    34 "PJRT_Device_MemoryStats" MemoryStats {
        device: Handle,
        in_use: i64,
        peak: Optional,
        allocations: Optional,
        largest: Optional,
        limit: Optional,
        others: [Optional; 6],
    }
    40 "PJRT_Executable_Destroy" ExecutableDestroy { executable: Handle }
    44 "PJRT_Executable_NumOutputs" NumOutputs { executable: Handle, count: usize }
    49 "PJRT_Executable_Serialize" Serialize {
        executable: Handle,
        bytes: *const u8,
        size: usize,
        backing: Handle,
        free: Option<extern "C" fn(Handle)>,
    }
    50 "PJRT_LoadedExecutable_Destroy" LoadedDestroy { executable: Handle }
    51 "PJRT_LoadedExecutable_GetExecutable" GetExecutable { loaded: Handle, executable: Handle }
    55 "PJRT_LoadedExecutable_Execute" Execute {
        executable: Handle,
        options: *const Padded<ExecuteOptions>,
        arguments: *const *const Handle,
        device_count: usize,
        argument_count: usize,
        results: *const *mut Handle,
        complete: *mut Handle,
        device: Handle,
    }
    56 "PJRT_Executable_DeserializeAndLoad" Deserialize {
        client: Handle,
        bytes: *const u8,
        size: usize,
        executable: Handle,
        options: *const u8,
        options_size: usize,
    }
    58 "PJRT_Buffer_Destroy" BufferDestroy { buffer: Handle }
    69 "PJRT_Buffer_CopyToDevice" CopyToDevice { buffer: Handle, device: Handle, copy: Handle }
    70 "PJRT_Buffer_ToHostBuffer" ToHost {
        buffer: Handle,
        layout: *const c_void,
        data: *mut c_void,
        size: usize,
        event: Handle,
    }
    96 "PJRT_Executable_GetCompiledMemoryStats" CompiledMemory {
        executable: Handle,
        code: i64,
        arguments: i64,
        results: i64,
        aliased: i64,
        temporary: i64,
        host: [i64; 5],
        peak: i64,
    }
}

/// A number that may be absent.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Optional {
    value: i64,
    is_set: bool,
}

impl Optional {
    pub(super) fn get(self) -> Option<i64> {
        self.is_set.then_some(self.value)
    }
}

/// `PJRT_NamedValue`, whole. The value is a pointer, a number or a truth value, as the kind says.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedValue {
    pub(super) struct_size: usize,
    pub(super) extensions: *mut c_void,
    pub(super) name: *const u8,
    pub(super) name_size: usize,
    pub(super) kind: i32,
    pub(super) value: u64,
    pub(super) value_size: usize,
}

/// The kinds of a [`NamedValue`].
pub(super) const TEXT: i32 = 0;
pub(super) const NUMBER: i32 = 1;
pub(super) const NUMBERS: i32 = 2;

/// `PJRT_Program`, after its size and extensions.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramText {
    pub(super) code: *const u8,
    pub(super) code_size: usize,
    pub(super) format: *const u8,
    pub(super) format_size: usize,
}

/// `PJRT_ExecuteOptions`, after its size and extensions.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct ExecuteOptions {
    pub(super) callbacks: [*const c_void; 2],
    pub(super) callback_counts: [usize; 2],
    pub(super) launch: i32,
    pub(super) kept: *const i64,
    pub(super) kept_count: usize,
    pub(super) context: *const c_void,
    pub(super) call_location: *const u8,
    pub(super) task_count: usize,
    pub(super) tasks: [*const c_void; 2],
}

/// `PJRT_HostBufferSemantics_kImmutableOnlyDuringCall`: the data is copied before the call returns.
pub(super) const COPIED_DURING_CALL: i32 = 0;
