//! Choosing the instruction set at run time: the same source compiled for AVX-512, AVX2 and the baseline.
//!
//! A multiplication and an addition have one rounding exactly where the source says `mul_add`, so all versions give the
//! same bits.

/// Instruction sets for which there are versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every processor of the target has.
    Baseline,
    /// With fused multiplication and addition, which convolutions use.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The parts F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Isa(Level);

impl Isa {
    /// The sets that this processor has, the widest last.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = vec![Self(Level::Baseline)];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(Self(Level::Avx2));
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                sets.push(Self(Level::Avx512));
            }
        }
        sets
    }

    /// The widest set.
    pub(crate) fn best() -> Self {
        Self::available().pop().unwrap_or(Self(Level::Baseline))
    }

    pub(crate) const fn level(self) -> Level {
        self.0
    }
}

/// Declares functions that run the given always-inlined bodies, compiled once for each instruction set.
macro_rules! versions {
    ($(
        $(#[$doc:meta])*
        fn $name:ident$(<$($generic:ident: $bound:path),*>)?($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
            = $body:expr;
    )*) => {$(
        $(#[$doc])*
        pub(crate) fn $name$(<$($generic: $bound),*>)?(
            isa: $crate::isa::Isa,
            $($argument: $type),*
        ) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512$(<$($generic: $bound),*>)?($($argument: $type),*) $(-> $result)? {
                $body($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2$(<$($generic: $bound),*>)?($($argument: $type),*) $(-> $result)? {
                $body($($argument),*)
            }
            match isa.level() {
                $crate::isa::Level::Baseline => $body($($argument),*),
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "a function compiled for an instruction set runs only where there is one")]
                // SAFETY: an `Isa` of this level is only made where the processor has these features.
                $crate::isa::Level::Avx2 => unsafe { avx2($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "a function compiled for an instruction set runs only where there is one")]
                // SAFETY: as above.
                $crate::isa::Level::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    )*};
}

pub(crate) use versions;
