//! Square blocks of single-precision elements, transposed in registers.

use std::arch::x86_64::*;

/// As [`Vector::transpose`](super::Vector::transpose).
///
/// # Safety
/// The caller promises the instruction set, the block, which has a row, and its place.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) unsafe fn sixteen(
    from: *const f32,
    (count, stride): (usize, usize),
    to: *mut f32,
    to_stride: usize,
) {
    let mut a = [_mm512_setzero_ps(); 16];
    for (i, a) in a.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        *a = unsafe { _mm512_loadu_ps(from.add(i.min(count - 1) * stride)) };
    }
    // Pairs of rows, then fours, element by element within each quarter of a vector.
    let mut b = a;
    for i in (0..16).step_by(2) {
        (b[i], b[i + 1]) = (_mm512_unpacklo_ps(a[i], a[i + 1]), _mm512_unpackhi_ps(a[i], a[i + 1]));
    }
    let pairs = |x, y| {
        let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
        (_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)))
    };
    for i in (0..16).step_by(4) {
        (a[i], a[i + 1]) = pairs(b[i], b[i + 2]);
        (a[i + 2], a[i + 3]) = pairs(b[i + 1], b[i + 3]);
    }
    // Then the quarters.
    for i in 0..4 {
        let even =
            (_mm512_shuffle_f32x4::<0x88>(a[i], a[i + 4]), _mm512_shuffle_f32x4::<0x88>(a[i + 8], a[i + 12]));
        let odd =
            (_mm512_shuffle_f32x4::<0xdd>(a[i], a[i + 4]), _mm512_shuffle_f32x4::<0xdd>(a[i + 8], a[i + 12]));
        let rows = [
            _mm512_shuffle_f32x4::<0x88>(even.0, even.1),
            _mm512_shuffle_f32x4::<0x88>(odd.0, odd.1),
            _mm512_shuffle_f32x4::<0xdd>(even.0, even.1),
            _mm512_shuffle_f32x4::<0xdd>(odd.0, odd.1),
        ];
        for (quarter, row) in rows.into_iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { _mm512_storeu_ps(to.add((4 * quarter + i) * to_stride), row) };
        }
    }
}

/// As [`Vector::transpose`](super::Vector::transpose).
///
/// # Safety
/// The caller promises the instruction set, the block, which has a row, and its place.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) unsafe fn eight(
    from: *const f32,
    (count, stride): (usize, usize),
    to: *mut f32,
    to_stride: usize,
) {
    let mut a = [_mm256_setzero_ps(); 8];
    for (i, a) in a.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        *a = unsafe { _mm256_loadu_ps(from.add(i.min(count - 1) * stride)) };
    }
    // Pairs of rows, then fours, element by element within each half of a vector.
    let mut b = a;
    for i in (0..8).step_by(2) {
        (b[i], b[i + 1]) = (_mm256_unpacklo_ps(a[i], a[i + 1]), _mm256_unpackhi_ps(a[i], a[i + 1]));
    }
    let pairs = |x, y| {
        let (x, y) = (_mm256_castps_pd(x), _mm256_castps_pd(y));
        (_mm256_castpd_ps(_mm256_unpacklo_pd(x, y)), _mm256_castpd_ps(_mm256_unpackhi_pd(x, y)))
    };
    for i in (0..8).step_by(4) {
        (a[i], a[i + 1]) = pairs(b[i], b[i + 2]);
        (a[i + 2], a[i + 3]) = pairs(b[i + 1], b[i + 3]);
    }
    // Then the halves.
    for i in 0..4 {
        let rows =
            [_mm256_permute2f128_ps::<0x20>(a[i], a[i + 4]), _mm256_permute2f128_ps::<0x31>(a[i], a[i + 4])];
        for (half, row) in rows.into_iter().enumerate() {
            // SAFETY: as the caller promises.
            unsafe { _mm256_storeu_ps(to.add((4 * half + i) * to_stride), row) };
        }
    }
}
