//! Working memory of each thread.

#![expect(unsafe_code, reason = "the same memory serves all element types")]

use std::cell::RefCell;

use tensor::Element;

const LINE_BYTES: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

thread_local! {
    static LINES: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with `count` elements of this thread, whose values are those of earlier work. Uses nest no
/// deeper than one.
pub(crate) fn with<T: Element, R>(count: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let mut lines = LINES.take();
    let wanted = (count * size_of::<T>()).div_ceil(LINE_BYTES);
    if lines.len() < wanted {
        lines.resize(wanted, Line([0; LINE_BYTES]));
    }
    // SAFETY: the lines are aligned for every element type and hold `count` elements; zeros and what was
    // written as another floating-point type are values of floating-point types.
    let elements = unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast::<T>(), count) };
    let result = work(elements);
    LINES.set(lines);
    result
}
