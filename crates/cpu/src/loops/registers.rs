//! Registers: tiles of elements that stay in the innermost cache.

use std::cell::RefCell;

use super::cell::Cell;

/// Elements per tile: the registers of a typical loop fit the innermost cache, and decoding an instruction costs
/// little beside a thousand elements.
pub(crate) const TILE: usize = 1024;

/// The elements of one register.
pub(crate) type Tile<T> = Box<[T]>;

/// How many registers of each type a loop needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) f32: usize,
    pub(crate) f64: usize,
    pub(crate) i32: usize,
    pub(crate) bool: usize,
}

/// The registers of one thread.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    pub(crate) f32: Vec<Tile<f32>>,
    pub(crate) f64: Vec<Tile<f64>>,
    pub(crate) i32: Vec<Tile<i32>>,
    pub(crate) bool: Vec<Tile<bool>>,
}

impl Registers {
    fn grow(&mut self, counts: Counts) {
        grow(&mut self.f32, counts.f32);
        grow(&mut self.f64, counts.f64);
        grow(&mut self.i32, counts.i32);
        grow(&mut self.bool, counts.bool);
    }
}

fn grow<T: Cell>(tiles: &mut Vec<Tile<T>>, count: usize) {
    while tiles.len() < count {
        tiles.push(vec![T::default(); TILE].into_boxed_slice());
    }
}

thread_local! {
    static REGISTERS: RefCell<Registers> = RefCell::default();
}

/// Calls `work` with this thread's registers, at least `counts` of them.
pub(crate) fn with_registers<R>(counts: Counts, work: impl FnOnce(&mut Registers) -> R) -> R {
    REGISTERS.with_borrow_mut(|registers| {
        registers.grow(counts);
        work(registers)
    })
}
