//! Registers: tiles of elements that stay in the innermost cache.

use std::cell::RefCell;

use tensor::DType;

use super::cell::Cell;

/// Elements per tile: the registers of a typical loop fit the innermost cache, and decoding an instruction costs
/// little beside a thousand elements.
pub(crate) const TILE: usize = 1024;

/// The elements of one register.
pub(crate) type Tile<T> = Box<[T]>;

/// How many registers of each type a loop needs, and how many elements each must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) tile_len: usize,
    pub(crate) f32: usize,
    pub(crate) f64: usize,
    pub(crate) i32: usize,
    pub(crate) bool: usize,
}

impl Counts {
    /// One more register, one that no other value has.
    pub(crate) const fn add(&mut self, dtype: DType) -> usize {
        let count = match dtype {
            DType::F32 => &mut self.f32,
            DType::F64 => &mut self.f64,
            DType::I32 => &mut self.i32,
            DType::Bool => &mut self.bool,
        };
        *count += 1;
        *count - 1
    }
}

/// The registers of one thread.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    tile_len: usize,
    pub(crate) f32: Vec<Tile<f32>>,
    pub(crate) f64: Vec<Tile<f64>>,
    pub(crate) i32: Vec<Tile<i32>>,
    pub(crate) bool: Vec<Tile<bool>>,
}

impl Registers {
    fn grow(&mut self, counts: Counts) {
        if self.tile_len < counts.tile_len {
            *self = Self { tile_len: counts.tile_len, ..Self::default() };
        }
        grow(&mut self.f32, counts.f32, self.tile_len);
        grow(&mut self.f64, counts.f64, self.tile_len);
        grow(&mut self.i32, counts.i32, self.tile_len);
        grow(&mut self.bool, counts.bool, self.tile_len);
    }
}

fn grow<T: Cell>(tiles: &mut Vec<Tile<T>>, count: usize, len: usize) {
    while tiles.len() < count {
        tiles.push(vec![T::default(); len].into_boxed_slice());
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
