//! Buffers: tensors in the memory of a device.
#![expect(unsafe_code, reason = "functions of the plugin are called with pointers to elements")]

use std::{ffi::c_void, ptr, sync::Arc};

use graph::Ty;
use tensor::{Buffer, DType, Tensor};

use super::{
    api::Failure,
    calls::{BufferDestroy, BufferFromHost, COPIED_DURING_CALL, CopyToDevice, Handle, ToHost},
    client::Client,
};

/// A tensor on a device.
#[derive(Debug)]
pub(crate) struct DeviceBuffer {
    pub(super) client: Arc<Client>,
    pub(super) handle: Handle,
    /// Its type: plugins do not tell a wrong one.
    pub(crate) ty: Ty,
}

// SAFETY: the interface demands that buffers can be used on any thread at any time.
unsafe impl Send for DeviceBuffer {}
// SAFETY: as above.
unsafe impl Sync for DeviceBuffer {}

/// The number of an element type in the interface.
const fn element(dtype: DType) -> i32 {
    match dtype {
        DType::Bool => 1,
        DType::I32 => 4,
        DType::F32 => 11,
        DType::F64 => 12,
    }
}

/// Where the elements are.
fn elements(tensor: &Tensor) -> *const c_void {
    match tensor.buffer() {
        Buffer::F32(values) => values.as_ptr().cast(),
        Buffer::F64(values) => values.as_ptr().cast(),
        Buffer::I32(values) => values.as_ptr().cast(),
        Buffer::Bool(values) => values.as_ptr().cast(),
    }
}

impl DeviceBuffer {
    /// A copy of a tensor on a device.
    pub(crate) fn upload(client: &Arc<Client>, device: usize, tensor: &Tensor) -> Result<Self, Failure> {
        let sizes: Vec<i64> = tensor.shape().iter().map(|&size| size as i64).collect();
        let arguments = BufferFromHost {
            client: client.handle,
            data: elements(tensor),
            element: element(tensor.dtype()),
            sizes: sizes.as_ptr(),
            rank: sizes.len(),
            strides: ptr::null(),
            stride_count: 0,
            semantics: COPIED_DURING_CALL,
            device: client.device(device),
            memory: ptr::null_mut(),
            layout: ptr::null(),
            done_with_data: ptr::null_mut(),
            buffer: ptr::null_mut(),
        };
        // SAFETY: elements and sizes are those of the tensor, dense and row-major, and are copied before the call returns.
        let made = unsafe { client.plugin.api.call(arguments) }?;
        let buffer = Self { client: Arc::clone(client), handle: made.buffer, ty: Ty::of(tensor) };
        // SAFETY: the event was made for this call.
        unsafe { client.wait(made.done_with_data) }?;
        Ok(buffer)
    }

    /// A copy of it on another device of its client, which need not be complete yet.
    pub(crate) fn copy_to(&self, device: usize) -> Result<Self, Failure> {
        let device = self.client.device(device);
        let arguments = CopyToDevice { buffer: self.handle, device, copy: ptr::null_mut() };
        // SAFETY: buffer and device are alive and of one client, and the other field is a result.
        let made = unsafe { self.client.plugin.api.call(arguments) }?;
        Ok(Self { client: Arc::clone(&self.client), handle: made.copy, ty: self.ty.clone() })
    }

    /// A copy of it. Waits until it has been computed.
    pub(crate) fn download(&self) -> Result<Tensor, Failure> {
        let count = self.ty.shape.elements();
        let buffer = match self.ty.dtype {
            DType::F32 => Buffer::F32(self.copy(count, 0f32)?),
            DType::F64 => Buffer::F64(self.copy(count, 0f64)?),
            DType::I32 => Buffer::I32(self.copy(count, 0i32)?),
            // Read as bytes: whatever a plugin writes is a truth value then.
            DType::Bool => Buffer::Bool(self.copy(count, 0u8)?.into_iter().map(|byte| byte != 0).collect()),
        };
        Ok(Tensor::from_buffer(self.ty.shape.clone(), buffer).expect("as many elements as the shape has"))
    }

    /// The elements, which are numbers without forbidden bits.
    fn copy<T: Number>(&self, count: usize, zero: T) -> Result<Vec<T>, Failure> {
        let mut values = vec![zero; count];
        if count == 0 {
            return Ok(values);
        }
        let arguments = ToHost {
            buffer: self.handle,
            layout: ptr::null(),
            data: values.as_mut_ptr().cast(),
            size: size_of_val(&values[..]),
            event: ptr::null_mut(),
        };
        // SAFETY: there is memory of the stated size, and it is left alone until the copy is complete.
        let copying = unsafe { self.client.plugin.api.call(arguments) }?;
        // SAFETY: the event was made for this call.
        unsafe { self.client.wait(copying.event) }?;
        Ok(values)
    }
}

/// Elements of which every bit pattern is one.
trait Number: Copy {}

impl Number for f32 {}
impl Number for f64 {}
impl Number for i32 {}
impl Number for u8 {}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        // SAFETY: nobody else has the buffer; what still computes with it keeps its memory.
        let _ = unsafe { self.client.plugin.api.call(BufferDestroy { buffer: self.handle }) };
    }
}
