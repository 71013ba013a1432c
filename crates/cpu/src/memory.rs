//! The memory of a run, shared by all threads that work on it.

#![expect(
    unsafe_code,
    reason = "several threads write disjoint parts of buffers that a static plan laid out"
)]

use std::{
    alloc::{Layout, alloc_zeroed},
    marker::PhantomData,
    ops::Range,
};

use graph::ExecError;
use tensor::{Buffer, DType, Element};

use crate::{node::BufferId, system::available_bytes};

/// Alignment of every buffer in the arena, in bytes: a cache line, and the widest vector.
pub(crate) const ALIGNMENT: usize = 64;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line {
    _bytes: [u8; ALIGNMENT],
}

/// Working memory that outlives runs.
#[derive(Debug)]
pub(crate) struct Arena(Vec<Line>);

impl Arena {
    /// Zeroed memory for `bytes` bytes.
    ///
    /// # Errors
    /// [`ExecError::Memory`] where it cannot be had.
    pub(crate) fn new(graph: &str, bytes: usize) -> Result<Self, ExecError> {
        let lines = zeros::<Line>(bytes.div_ceil(ALIGNMENT));
        lines.map(Self).ok_or_else(|| ExecError::Memory { graph: graph.to_owned(), bytes })
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.0.len() * ALIGNMENT
    }

    /// All of the memory.
    pub(crate) fn region(&mut self) -> Region<'_> {
        Region { pointer: self.0.as_mut_ptr().cast(), bytes: self.bytes(), lifetime: PhantomData }
    }
}

/// Below this many bytes nobody asks the system what it has.
const SMALL_BYTES: usize = 1 << 28;

/// Types of which a value consists of zero bytes.
trait Zero: Copy {}

impl Zero for f32 {}
impl Zero for f64 {}
impl Zero for i32 {}
impl Zero for bool {}
impl Zero for Line {}

/// `count` zeros, or `None` where the system has not as much memory available. The system hands out the memory when it
/// is first touched.
fn zeros<T: Zero>(count: usize) -> Option<Vec<T>> {
    let bytes = count.checked_mul(size_of::<T>())?;
    if bytes > SMALL_BYTES && available_bytes().is_some_and(|available| bytes > available) {
        return None;
    }
    if bytes == 0 {
        return Some(Vec::new());
    }
    let layout = Layout::array::<T>(count).ok()?;
    // SAFETY: the layout is of some bytes.
    let pointer = unsafe { alloc_zeroed(layout) };
    // SAFETY: where it is not null, the pointer is to memory of the layout that a vector of this capacity has, which
    // holds `count` times the value of zero bytes.
    (!pointer.is_null()).then(|| unsafe { Vec::from_raw_parts(pointer.cast(), count, count) })
}

/// A buffer of zeros, or `None` where the system has not as much memory available.
pub(crate) fn zero_buffer(dtype: DType, elements: usize) -> Option<Buffer> {
    Some(match dtype {
        DType::F32 => Buffer::F32(zeros(elements)?),
        DType::F64 => Buffer::F64(zeros(elements)?),
        DType::I32 => Buffer::I32(zeros(elements)?),
        DType::Bool => Buffer::Bool(zeros(elements)?),
    })
}

/// Memory that a run may use for as long as `'a`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region<'a> {
    pointer: *mut u8,
    bytes: usize,
    lifetime: PhantomData<&'a u8>,
}

impl<'a> Region<'a> {
    /// The elements of a tensor that is only read.
    pub(crate) fn shared(buffer: &'a Buffer) -> Self {
        let pointer = match buffer {
            Buffer::F32(elements) => elements.as_ptr().cast(),
            Buffer::F64(elements) => elements.as_ptr().cast(),
            Buffer::I32(elements) => elements.as_ptr().cast(),
            Buffer::Bool(elements) => elements.as_ptr().cast::<u8>(),
        };
        Self { pointer: pointer.cast_mut(), bytes: bytes(buffer), lifetime: PhantomData }
    }

    /// The elements of a tensor that may be written.
    pub(crate) fn exclusive(buffer: &'a mut Buffer) -> Self {
        let bytes = bytes(buffer);
        let pointer = match buffer {
            Buffer::F32(elements) => elements.as_mut_ptr().cast(),
            Buffer::F64(elements) => elements.as_mut_ptr().cast(),
            Buffer::I32(elements) => elements.as_mut_ptr().cast(),
            Buffer::Bool(elements) => elements.as_mut_ptr().cast::<u8>(),
        };
        Self { pointer, bytes, lifetime: PhantomData }
    }

    /// `bytes` bytes from `offset` on.
    ///
    /// # Panics
    /// Where they do not lie in the region.
    pub(crate) fn part(self, offset: usize, bytes: usize) -> Self {
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes), "a plan stays in its arena");
        Self { pointer: self.pointer.wrapping_add(offset), bytes, lifetime: PhantomData }
    }
}

fn bytes(buffer: &Buffer) -> usize {
    buffer.len() * buffer.dtype().size_bytes()
}

/// Where each buffer lies during a run.
#[derive(Debug)]
pub(crate) struct Memory<'a>(Vec<Region<'a>>);

// SAFETY: a memory only hands out slices through the unsafe methods below, whose callers promise that no element is
// written by one thread while another reads or writes it.
unsafe impl Sync for Memory<'_> {}

impl<'a> Memory<'a> {
    /// A memory from the region of each buffer.
    pub(crate) const fn new(regions: Vec<Region<'a>>) -> Self {
        Self(regions)
    }

    fn pointer<T: Element>(&self, buffer: BufferId, range: &Range<usize>) -> *mut T {
        let Region { pointer, bytes, .. } = self.0[buffer.0];
        assert!(
            range.start <= range.end && range.end <= bytes / size_of::<T>(),
            "elements lie in their buffer"
        );
        let pointer = pointer.cast::<T>();
        debug_assert!(pointer.is_aligned(), "buffers are aligned for every element type");
        pointer.wrapping_add(range.start)
    }

    /// Asks the processor to bring elements of a buffer into its caches; those past the end are left out.
    pub(crate) fn prefetch<T: Element>(&self, buffer: BufferId, range: Range<usize>) {
        let end = range.end.min(self.0[buffer.0].bytes / size_of::<T>());
        if range.start >= end {
            return;
        }
        #[cfg(target_arch = "x86_64")]
        for line in (range.start..end).step_by(ALIGNMENT / size_of::<T>()) {
            let pointer = self.pointer::<T>(buffer, &(line..end));
            // SAFETY: prefetching reads nothing that the program can see, and faults on no address.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(pointer.cast()) };
        }
    }

    /// Elements of a buffer.
    ///
    /// # Safety
    /// The buffer holds elements of type `T`, which have been written, and nobody writes them while the slice lives.
    pub(crate) unsafe fn read<T: Element>(&self, buffer: BufferId, range: Range<usize>) -> &[T] {
        let pointer = self.pointer::<T>(buffer, &range);
        // SAFETY: the elements lie in the region, as `pointer` asserts; the caller promises the rest.
        unsafe { std::slice::from_raw_parts(pointer, range.len()) }
    }

    /// Elements of a buffer for writing.
    ///
    /// # Safety
    /// The buffer is for elements of type `T`, its region is not that of a tensor that is only read, and nobody else
    /// reads or writes these elements while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "exclusive access is the caller's promise")]
    pub(crate) unsafe fn write<T: Element>(&self, buffer: BufferId, range: Range<usize>) -> &mut [T] {
        let pointer = self.pointer::<T>(buffer, &range);
        // SAFETY: the elements lie in the region, as `pointer` asserts, which started out as a tensor's elements or
        // as zeros, valid for every element type; the caller promises the rest.
        unsafe { std::slice::from_raw_parts_mut(pointer, range.len()) }
    }
}
