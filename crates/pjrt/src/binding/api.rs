//! The table of functions of a plugin, and how one is called.
#![expect(unsafe_code, reason = "functions of a C library are called through its table")]

use std::{ffi::c_void, fmt, ptr};

use super::calls::{ErrorCode, ErrorDestroy, ErrorMessage};

/// A structure of the interface: its size and extensions, its fields, and zeros up to the size that newer plugins may
/// expect. A field unknown here is absent when it is zero.
#[repr(C)]
pub(super) struct Padded<T> {
    size: usize,
    extensions: *mut c_void,
    fields: T,
    zeros: [usize; PADDED_BYTES / size_of::<usize>()],
}

/// What the structures say their size is. Ours: twice that of the largest one of version 0.116 that is used.
const PADDED_BYTES: usize = 256;

/// The first words of the table: its size, extensions, and the version in a structure of three words.
const HEADER_BYTES: usize = 40;

/// The fields of a structure of arguments, after its size and extensions.
///
/// # Safety
/// The type has the layout of these fields in `pjrt_c_api.h`, of the function at this place of the table.
pub(super) unsafe trait Arguments: Copy {
    /// The function's place in the table, counted from 0.
    const SLOT: usize;
    /// Its name in the header.
    const NAME: &'static str;
}

/// A plugin's table of functions, which lives as long as the process: plugins cannot be unloaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Api {
    table: *const u8,
    slots: usize,
    /// Whether structures say their own size: what some plugins demand.
    exact: bool,
}

// SAFETY: the table is never written to, and the interface demands that its functions can be called on any thread.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

impl Api {
    /// The table at this address, and its version; `None` where it is too short to be one.
    ///
    /// # Safety
    /// `table` was returned by `GetPjrtApi` of a library that stays loaded.
    pub(super) unsafe fn new(table: *const u8) -> Option<(Self, [i32; 2])> {
        if table.is_null() {
            return None;
        }
        // SAFETY: every version of the table starts with its size in bytes.
        let bytes = unsafe { table.cast::<usize>().read() };
        let slots = bytes.checked_sub(HEADER_BYTES)? / size_of::<usize>();
        // SAFETY: the table has its header; two 32-bit numbers are its last word.
        let version = unsafe { table.add(HEADER_BYTES - 8).cast::<[i32; 2]>().read() };
        Some((Self { table, slots, exact: false }, version))
    }

    /// The same table, with structures that say their own size.
    pub(super) const fn with_exact_sizes(self) -> Self {
        Self { exact: true, ..self }
    }

    /// A structure that other structures point to.
    pub(super) fn padded<T>(&self, fields: T) -> Padded<T> {
        let own_size = 2 * size_of::<usize>() + size_of::<T>();
        let size = if self.exact { own_size } else { PADDED_BYTES.max(own_size) };
        let zeros = [0; PADDED_BYTES / size_of::<usize>()];
        Padded { size, extensions: ptr::null_mut(), fields, zeros }
    }

    fn function(&self, slot: usize) -> Option<*const c_void> {
        if slot >= self.slots {
            return None;
        }
        // SAFETY: the table has `slots` pointers after its header.
        let function = unsafe { self.table.add(HEADER_BYTES).cast::<*const c_void>().add(slot).read() };
        (!function.is_null()).then_some(function)
    }

    /// Calls a function, and returns its fields as it left them.
    ///
    /// # Safety
    /// Every pointer among the fields is null, or what the function expects there.
    pub(super) unsafe fn call<T: Arguments>(&self, fields: T) -> Result<T, Failure> {
        // SAFETY: as promised by the caller; this function returns an error or null.
        let (error, fields) =
            unsafe { self.invoke::<T, *mut c_void>(fields) }.ok_or_else(|| Failure::missing(T::NAME))?;
        if error.is_null() { Ok(fields) } else { Err(self.failure(error)) }
    }

    /// Calls a function that returns nothing; without effect where the plugin has none.
    ///
    /// # Safety
    /// As for [`Self::call`].
    pub(super) unsafe fn call_silently<T: Arguments>(&self, fields: T) -> Option<T> {
        // SAFETY: as promised by the caller; this function returns nothing.
        unsafe { self.invoke::<T, ()>(fields) }.map(|((), fields)| fields)
    }

    /// # Safety
    /// As for [`Self::call`], and the function returns an `R`.
    unsafe fn invoke<T: Arguments, R>(&self, fields: T) -> Option<(R, T)> {
        let function = self.function(T::SLOT)?;
        let mut arguments = self.padded(fields);
        // SAFETY: the table has functions of one pointer to their structure at every place.
        let function: extern "C" fn(*mut Padded<T>) -> R = unsafe { std::mem::transmute(function) };
        let returned = function(&raw mut arguments);
        Some((returned, arguments.fields))
    }

    /// What an error says. It is given back.
    fn failure(&self, error: *mut c_void) -> Failure {
        // SAFETY: the plugin has just returned this error.
        let code = unsafe { self.call_for_code(error) };
        // SAFETY: as above.
        let text = unsafe { self.call_silently(ErrorMessage { error, message: ptr::null(), size: 0 }) };
        let message = text.map_or_else(String::new, |text| {
            // SAFETY: the message lives as long as the error.
            unsafe { text_at(text.message, text.size) }
        });
        // SAFETY: nothing uses the error afterwards.
        unsafe { self.call_silently(ErrorDestroy { error }) };
        Failure { code, message }
    }

    /// # Safety
    /// `error` is one that the plugin has returned.
    unsafe fn call_for_code(&self, error: *mut c_void) -> Code {
        // SAFETY: as promised by the caller. That this fails as well is not looked at: there is no code then.
        let answer = unsafe { self.invoke::<ErrorCode, *mut c_void>(ErrorCode { error, code: 0 }) };
        answer.map_or(Code::Unknown, |(_, fields)| fields.code.into())
    }
}

/// The text at an address.
///
/// # Safety
/// `size` bytes can be read at `start`, unless it is null.
pub(super) unsafe fn text_at(start: *const u8, size: usize) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(start, size) }).into_owned()
}

/// What a plugin says went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Failure {
    fn missing(function: &str) -> Self {
        Self { code: Code::Unimplemented, message: format!("the plugin has no function {function}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.message.trim_end().lines().take(6).collect::<Vec<_>>().join("; ");
        write!(f, "{lines} ({:?})", self.code)
    }
}

/// The kinds of errors that matter here, of those of Abseil's status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    FailedPrecondition,
    Unimplemented,
    Internal,
    Unavailable,
    Unknown,
}

impl From<i32> for Code {
    fn from(code: i32) -> Self {
        match code {
            3 => Self::InvalidArgument,
            5 => Self::NotFound,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}
