//! Vectors of the instruction sets, as the kernels of products and convolutions see them.

#![expect(unsafe_code, reason = "vector instructions")]

#[cfg(target_arch = "x86_64")]
mod transpose;

use std::ops::AddAssign;

use tensor::Element;

use crate::isa::{Isa, Level};

/// The element types of products and convolutions, with their vectors.
pub(crate) trait Real: Element + AddAssign {
    type Plain: Vector<Element = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Element = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Element = Self>;
}

impl Real for f32 {
    type Plain = Plain<Self, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512;
}

impl Real for f64 {
    type Plain = Plain<Self, 2>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256d;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512d;
}

/// Elements of a vector of an instruction set.
pub(crate) fn lanes<T: Real>(isa: Isa) -> usize {
    match isa.level() {
        Level::Baseline => T::Plain::LANES,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => T::Avx2::LANES,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => T::Avx512::LANES,
    }
}

/// A register of neighbouring elements.
///
/// # Safety The methods may be called only where the processor has the vector's instruction set, and are fast
/// only within functions compiled for it.
pub(crate) trait Vector: Copy {
    type Element: Copy;
    /// Elements in the register.
    const LANES: usize;
    /// All elements, or none.
    type Mask: Copy;

    unsafe fn mask(all: bool) -> Self::Mask;

    unsafe fn zero() -> Self;

    /// The element at `from`, everywhere.
    unsafe fn splat(from: *const Self::Element) -> Self;

    /// The `LANES` elements from `from` on.
    unsafe fn load(from: *const Self::Element) -> Self;

    /// Writes the elements to `to`.
    unsafe fn store(self, to: *mut Self::Element);

    /// The first `count` elements from `from` on, and zeros.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Element, count: usize) -> Self {
        // SAFETY: the caller promises the elements, of which there are at most `LANES`.
        unsafe {
            let mut vector = Self::zero();
            std::ptr::copy_nonoverlapping(from, (&raw mut vector).cast(), count);
            vector
        }
    }

    /// Writes the first `count` elements to `to`.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut Self::Element, count: usize) {
        // SAFETY: the caller promises the place for the elements, of which there are at most `LANES`.
        unsafe { std::ptr::copy_nonoverlapping((&raw const self).cast(), to, count) };
    }

    unsafe fn add(self, other: Self) -> Self;

    /// `self + x y`.
    unsafe fn add_product(self, x: Self, y: Self) -> Self;

    /// `self + x y` where the mask says so, and `self` elsewhere, whatever `x` and `y` are.
    unsafe fn add_product_where(self, mask: Self::Mask, x: Self, y: Self) -> Self;

    /// Brings element `i * stride + j` of a block of `count` by `LANES`, `count` from 1 to `LANES`, to `j * to_stride + i`;
    /// the places of the rows that a square block would have besides may be written too.
    #[inline(always)]
    unsafe fn transpose(
        from: *const Self::Element,
        (count, stride): (usize, usize),
        to: *mut Self::Element,
        to_stride: usize,
    ) {
        for i in 0..count {
            for j in 0..Self::LANES {
                // SAFETY: the caller promises the block and its place.
                unsafe { *to.add(j * to_stride + i) = *from.add(i * stride + j) };
            }
        }
    }
}

/// Vectors for every processor: as many elements as its narrowest vector registers have.
#[derive(Clone, Copy)]
pub(crate) struct Plain<T, const LANES: usize>([T; LANES]);

macro_rules! plain {
    ($element:ty, $lanes:literal) => {
        impl Vector for Plain<$element, $lanes> {
            type Element = $element;
            const LANES: usize = $lanes;
            type Mask = bool;

            #[inline(always)]
            unsafe fn mask(all: bool) -> bool {
                all
            }

            #[inline(always)]
            unsafe fn zero() -> Self {
                Self([0.0; $lanes])
            }

            #[inline(always)]
            unsafe fn splat(from: *const $element) -> Self {
                // SAFETY: the caller promises an element.
                Self([unsafe { *from }; $lanes])
            }

            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the caller promises the elements.
                Self(unsafe { from.cast::<[$element; $lanes]>().read_unaligned() })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: the caller promises the place.
                unsafe { to.cast::<[$element; $lanes]>().write_unaligned(self.0) };
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
            }

            #[inline(always)]
            unsafe fn add_product(self, x: Self, y: Self) -> Self {
                Self(std::array::from_fn(|i| self.0[i] + x.0[i] * y.0[i]))
            }

            #[inline(always)]
            unsafe fn add_product_where(self, mask: bool, x: Self, y: Self) -> Self {
                Self(std::array::from_fn(|i| if mask { self.0[i] + x.0[i] * y.0[i] } else { self.0[i] }))
            }
        }
    };
}

plain!(f32, 4);
plain!(f64, 2);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Vector, transpose};

    macro_rules! vector {
        ($vector:ty, $element:ty, $lanes:literal,
         $zero:ident $splat:ident $load:ident $store:ident $add:ident $fmadd:ident $(, $transpose:path)?; $($more:item)*) => {
            impl Vector for $vector {
                type Element = $element;
                const LANES: usize = $lanes;

                #[inline(always)]
                unsafe fn zero() -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $zero() }
                }

                #[inline(always)]
                unsafe fn splat(from: *const $element) -> Self {
                    // SAFETY: the caller promises the instruction set and an element.
                    unsafe { $splat(*from) }
                }

                #[inline(always)]
                unsafe fn load(from: *const $element) -> Self {
                    // SAFETY: the caller promises the instruction set and the elements.
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut $element) {
                    // SAFETY: the caller promises the instruction set and the place.
                    unsafe { $store(to, self) };
                }

                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $add(self, other) }
                }

                #[inline(always)]
                unsafe fn add_product(self, x: Self, y: Self) -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $fmadd(x, y, self) }
                }

                $(
                    #[inline(always)]
                    unsafe fn transpose(
                        from: *const $element,
                        block: (usize, usize),
                        to: *mut $element,
                        to_stride: usize,
                    ) {
                        // SAFETY: the caller promises the instruction set, the block and its place.
                        unsafe { $transpose(from, block, to, to_stride) };
                    }
                )?

                $($more)*
            }
        };
    }

    /// Vectors with masks of their own.
    macro_rules! masked {
        ($vector:ty, $element:ty, $lanes:literal, $mask:ty,
         $zero:ident $splat:ident $load:ident $store:ident $add:ident $fmadd:ident $(, $transpose:path)?;
         $load_masked:ident $store_masked:ident $fmadd_masked:ident) => {
            vector!($vector, $element, $lanes, $zero $splat $load $store $add $fmadd $(, $transpose)?;
                type Mask = $mask;

                #[inline(always)]
                unsafe fn mask(all: bool) -> $mask {
                    if all { <$mask>::MAX } else { 0 }
                }

                #[inline(always)]
                unsafe fn add_product_where(self, mask: $mask, x: Self, y: Self) -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $fmadd_masked(x, y, self, mask) }
                }

                #[inline(always)]
                unsafe fn load_first(from: *const $element, count: usize) -> Self {
                    // SAFETY: the caller promises the instruction set and the elements.
                    unsafe { $load_masked(((1_u32 << count) - 1) as $mask, from) }
                }

                #[inline(always)]
                unsafe fn store_first(self, to: *mut $element, count: usize) {
                    // SAFETY: the caller promises the instruction set and the place.
                    unsafe { $store_masked(to, ((1_u32 << count) - 1) as $mask, self) };
                }
            );
        };
    }

    masked!(__m512, f32, 16, u16,
        _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_fmadd_ps,
        transpose::sixteen; _mm512_maskz_loadu_ps _mm512_mask_storeu_ps _mm512_mask3_fmadd_ps);
    masked!(__m512d, f64, 8, u8,
        _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_fmadd_pd;
        _mm512_maskz_loadu_pd _mm512_mask_storeu_pd _mm512_mask3_fmadd_pd);

    /// Vectors whose masks are vectors.
    macro_rules! blended {
        ($vector:ty, $element:ty, $lanes:literal,
         $zero:ident $splat:ident $load:ident $store:ident $add:ident $fmadd:ident $(, $transpose:path)?;
         $cast:ident $blend:ident) => {
            vector!($vector, $element, $lanes, $zero $splat $load $store $add $fmadd $(, $transpose)?;
                type Mask = Self;

                #[inline(always)]
                unsafe fn mask(all: bool) -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $cast(_mm256_set1_epi32(-i32::from(all))) }
                }

                #[inline(always)]
                unsafe fn add_product_where(self, mask: Self, x: Self, y: Self) -> Self {
                    // SAFETY: the caller promises the instruction set.
                    unsafe { $blend(self, $fmadd(x, y, self), mask) }
                }
            );
        };
    }

    blended!(__m256, f32, 8,
        _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_fmadd_ps,
        transpose::eight; _mm256_castsi256_ps _mm256_blendv_ps);
    blended!(__m256d, f64, 4,
        _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_fmadd_pd;
        _mm256_castsi256_pd _mm256_blendv_pd);
}
