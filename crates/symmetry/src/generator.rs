//! What can be done with like slots.

/// The indices of one axis that belong to each slot of a generator: `block` indices for each, in an order that
/// a permutation of the slots keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The number of indices of each slot; 1 where an index is a slot of its own.
    pub block: usize,
    /// The indices of slot 0, then those of slot 1, and so on.
    pub indices: Vec<usize>,
}

impl Slots {
    /// All `size` indices of an axis in their order, each a slot.
    #[must_use]
    pub fn whole(size: usize) -> Self {
        Self { block: 1, indices: (0..size).collect() }
    }

    /// The indices of a slot.
    ///
    /// # Panics
    /// Where there is no such slot.
    #[must_use]
    pub fn slot(&self, slot: usize) -> &[usize] {
        &self.indices[slot * self.block..][..self.block]
    }
}

/// How a generator acts on one axis of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterAxis {
    /// The name of the parameter or state.
    pub parameter: String,
    /// The axis.
    pub axis: usize,
    /// Which indices move.
    pub slots: Slots,
}

/// The exponents of a slot's factor, by the rank of an index among those of the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exponents(Vec<i32>);

impl Exponents {
    /// The exponents of every rank.
    #[must_use]
    pub fn new(mut exponents: Vec<i32>) -> Self {
        if exponents.windows(2).all(|pair| pair[0] == pair[1]) {
            exponents.truncate(1);
        }
        Self(exponents)
    }

    /// The exponent of a rank; 0 where there are none.
    #[must_use]
    pub fn of(&self, rank: usize) -> i32 {
        if let [one] = self.0[..] { one } else { self.0.get(rank).copied().unwrap_or(0) }
    }

    /// The exponents in order, those of all ranks or the one that all have.
    pub(crate) fn numbers(&self) -> &[i32] {
        &self.0
    }

    /// The exponent of all ranks, where there is one.
    #[must_use]
    pub fn common(&self) -> Option<i32> {
        match self.0[..] {
            [] => Some(0),
            [one] => Some(one),
            _ => None,
        }
    }
}

/// A way of scaling slots, or of changing their signs: each slot has a factor of its own, and what belongs to the slot is
/// multiplied by powers of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The exponents for each action of the generator, in order; of a sign those of −1.
    pub exponents: Vec<Exponents>,
    /// Whether it holds only as far as the epsilons of normalisations do not matter.
    pub is_approximate: bool,
}

/// A group of invertible matrices.
#[derive(Clone, Debug, PartialEq)]
pub enum LinearGroup {
    /// All of them, GL(n).
    General,
    /// Those that keep lengths, O(n).
    Orthogonal,
    /// Those that keep lengths and the vector of ones: rotations of what is orthogonal to it, O(n − 1).
    OrthogonalAroundOnes,
    /// The invertible ones in the span of these matrices, each given by its entries other than zero as row, column and
    /// number. The span is closed under products.
    Units(Vec<Vec<(u32, u32, f64)>>),
}

impl LinearGroup {
    /// A name: `general linear`, `orthogonal`, `orthogonal around ones` or `commutant`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::General => "general linear",
            Self::Orthogonal => "orthogonal",
            Self::OrthogonalAroundOnes => "orthogonal around ones",
            Self::Units(_) => "commutant",
        }
    }

    /// Whether its matrices keep lengths.
    #[must_use]
    pub const fn is_orthogonal(&self) -> bool {
        matches!(self, Self::Orthogonal | Self::OrthogonalAroundOnes)
    }

    /// The dimension of the group of matrices of this size.
    #[must_use]
    pub const fn dimension(&self, size: usize) -> usize {
        match self {
            Self::General => size * size,
            Self::Orthogonal => size * size.saturating_sub(1) / 2,
            Self::OrthogonalAroundOnes => size.saturating_sub(1) * size.saturating_sub(2) / 2,
            Self::Units(basis) => basis.len(),
        }
    }
}

/// A way of mixing the slots: what belongs to slot `s` becomes the sum over slots `t` of `m[s][t]` times what belongs to `t`,
/// rank by rank.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixing {
    /// Which matrices `m` there are.
    pub group: LinearGroup,
    /// For each action of the generator, in order: 1 where `m` acts, −1 where its transposed inverse does.
    pub powers: Vec<Exponents>,
}

/// Like slots, with every place where they are: what can be done with them without changing the function.
///
/// A generator may be inside of the slots of another, its parent: then each slot of that has a copy of it, which can be moved
/// apart from the others, and which follows when its slot is moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    /// A name for people, unique in its group, as `hidden units of 0.weight[0]`.
    pub name: String,
    /// The number of slots of each copy.
    pub size: usize,
    /// The number of copies; 1 where there is no parent. Slot `s` of copy `c` has the number `c · size + s`.
    pub copies: usize,
    /// The position of the parent in the group, before this one; it has as many slots as there are copies.
    pub parent: Option<usize>,
    /// Whether the slots of a copy can be permuted, in every way.
    pub is_exchangeable: bool,
    /// All axes that move together.
    pub actions: Vec<ParameterAxis>,
    /// The positive factors that each slot can have.
    pub scales: Vec<Family>,
    /// The signs that each slot can have.
    pub signs: Vec<Family>,
    /// The matrices by which the slots of a copy can be mixed. Permutations, scales and signs that are such matrices are
    /// not listed besides, but for whether the slots are exchangeable.
    pub mixing: Option<Mixing>,
}

/// A part of a generator that can hold without the others; of families their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Permutation,
    Scale(usize),
    Sign(usize),
    Mixing,
}

impl Generator {
    /// The symmetric group on slots, without factors.
    #[must_use]
    pub const fn permutations(name: String, size: usize, actions: Vec<ParameterAxis>) -> Self {
        Self {
            name,
            size,
            copies: 1,
            parent: None,
            is_exchangeable: true,
            actions,
            scales: Vec::new(),
            signs: Vec::new(),
            mixing: None,
        }
    }

    /// Whether its permutations are those of [`crate::Group::permutations`].
    pub(crate) const fn is_matched(&self) -> bool {
        self.is_exchangeable && self.parent.is_none()
    }

    /// The number of slots of all copies.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.size * self.copies
    }

    /// The number of independent parameters of what holds exactly, or with what holds only approximately too.
    #[must_use]
    pub fn dimension(&self, with_approximate: bool) -> usize {
        let families = self.scales.iter().filter(|family| with_approximate || !family.is_approximate).count();
        let mixing = self.mixing.as_ref().map_or(0, |mixing| mixing.group.dimension(self.size));
        self.slots() * families + self.copies * mixing
    }

    /// Whether a part holds only as far as epsilons do not matter.
    pub(crate) fn is_approximate(&self, part: Part) -> bool {
        match part {
            Part::Permutation | Part::Mixing => false,
            Part::Scale(family) => self.scales[family].is_approximate,
            Part::Sign(family) => self.signs[family].is_approximate,
        }
    }

    /// The generator with the parts that are kept.
    pub(crate) fn keeping(&self, keep: impl Fn(Part) -> bool) -> Self {
        let families = |families: &[Family], part: fn(usize) -> Part| {
            let families = families.iter().enumerate();
            families.filter(|(family, _)| keep(part(*family))).map(|(_, own)| own.clone()).collect()
        };
        Self {
            is_exchangeable: self.is_exchangeable && keep(Part::Permutation),
            scales: families(&self.scales, Part::Scale),
            signs: families(&self.signs, Part::Sign),
            mixing: self.mixing.clone().filter(|_| keep(Part::Mixing)),
            ..self.clone()
        }
    }

    /// Whether there is nothing that it can do.
    #[must_use]
    pub const fn is_trivial(&self) -> bool {
        !self.is_exchangeable && self.scales.is_empty() && self.signs.is_empty() && self.mixing.is_none()
    }
}
