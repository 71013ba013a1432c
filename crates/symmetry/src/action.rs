//! The action of a group's elements on parameters.

use graph::Role;
use models::Params;
use tensor::{DType, Shape, Tensor, parallel};

use crate::{
    Element, Exponents, Factors, Generator, Group, Matrix, ParameterAxis, Subject, SymmetryError,
    group::axis_size, mix::mix, rearrange::rearrange, stretch::stretch,
};

/// One index map for each axis of a subject; `None` where nothing moves.
pub(crate) type AxisMaps = Vec<Option<Vec<usize>>>;

/// One factor for each index of each axis of a subject; `None` where nothing is multiplied.
pub(crate) type AxisFactors = Vec<Option<Vec<f64>>>;

impl Group {
    /// The parameters moved by `element`: along each axis on which a generator acts, slots are mixed, and then the indices of
    /// slot `s` receive what was at those of slot `p[s]`, times the factors of slot `s`. Without matrices and factors elements
    /// are copied and never computed with, so the action is exact in every element type, and [`Group::invert`] undoes it
    /// to the bit; products are computed in `f64` and rounded once.
    ///
    /// # Errors
    /// Where `element` is not one of this group, or the names or shapes of `params` are not those of the group's
    /// architecture. States may be absent; then they are not moved.
    pub fn act(&self, element: &Element, params: &Params) -> Result<Params, SymmetryError> {
        self.check(element)?;
        self.check_params(params)?;
        Ok(self.all_moved(element, params))
    }

    /// What all become; the element acts as one of this group, and the parameters are of its architecture.
    pub(crate) fn all_moved(&self, element: &Element, params: &Params) -> Params {
        let mut moved = params.clone();
        self.move_all(element, &mut moved);
        moved
    }

    /// Moves some subjects where they are; see [`Group::all_moved`].
    pub(crate) fn move_all(&self, element: &Element, params: &mut Params) {
        let mut subjects: Vec<(&str, &mut Tensor)> = params.iter_mut().collect();
        parallel::for_each_chunk(&mut subjects, 1, |_, subjects| {
            subjects.iter_mut().for_each(|(name, tensor)| self.move_one(element, name, tensor));
        });
    }

    /// What one subject becomes; the element is one of this group, and the tensor of the subject's shape.
    pub(crate) fn moved(&self, element: &Element, name: &str, tensor: &Tensor) -> Tensor {
        let mut moved = tensor.clone();
        self.move_one(element, name, &mut moved);
        moved
    }

    /// Moves one subject where it is; only what is mixed and is not `f64` is copied.
    fn move_one(&self, element: &Element, name: &str, tensor: &mut Tensor) {
        let dtype = tensor.dtype();
        if self.mixes(element, name) {
            convert(tensor, DType::F64);
            for (action, powers, matrices) in self.mixings_of(name, element) {
                mix(tensor, action.axis, &action.slots, powers, matrices);
            }
        }
        let (maps, factors) =
            self.axis_moves(name, tensor.shape(), element.permutations(), element.factors());
        rearrange(tensor, &maps);
        stretch(tensor, &factors);
        convert(tensor, dtype);
    }

    /// Whether an element mixes slots on an axis of a subject.
    pub(crate) fn mixes(&self, element: &Element, name: &str) -> bool {
        self.mixings_of(name, element).next().is_some()
    }

    /// The actions on a subject whose slots are mixed, with the generator and the position of the action in it.
    fn mixings_of<'a>(
        &'a self,
        name: &'a str,
        element: &'a Element,
    ) -> impl Iterator<Item = (&'a ParameterAxis, &'a Exponents, &'a [Matrix])> {
        let generators = self.generators().iter().zip(element.matrices());
        generators.flat_map(move |(generator, matrices)| {
            let mixing = generator.mixing.as_ref().filter(|_| !matrices.iter().all(Matrix::is_identity));
            let powers = mixing.map_or(&[][..], |mixing| &mixing.powers);
            let actions = generator.actions.iter().zip(powers);
            let here = actions.filter(move |(action, _)| action.parameter == name);
            here.map(move |(action, powers)| (action, powers, &matrices[..]))
        })
    }

    /// Checks that `params` are of the group's architecture.
    ///
    /// # Errors
    /// Where a parameter is missing, unknown, or of another shape.
    pub fn check_params(&self, params: &Params) -> Result<(), SymmetryError> {
        for Subject { name, shape, role } in self.subjects() {
            if *role == Role::Parameter && params.get(name).is_none() {
                return Err(SymmetryError::MissingParameter { name: name.clone(), shape: shape.clone() });
            }
        }
        for (name, tensor) in params.iter() {
            let Some(subject) = self.subjects().iter().find(|subject| subject.name == name) else {
                let known = self.subjects().iter().map(|subject| subject.name.clone()).collect();
                return Err(SymmetryError::UnexpectedParameter { name: name.to_owned(), known });
            };
            if subject.shape != *tensor.shape() {
                let (expected, found) = (subject.shape.clone(), tensor.shape().clone());
                return Err(SymmetryError::ParameterShape { name: name.to_owned(), expected, found });
            }
        }
        Ok(())
    }

    /// From where each index of each axis of the subject `name` is read under these permutations.
    pub(crate) fn axis_maps(&self, name: &str, shape: &Shape, permutations: &[Vec<u32>]) -> AxisMaps {
        self.axis_moves(name, shape, permutations, &[]).0
    }

    /// From where each index of each axis of the subject `name` is read, and by what it is then multiplied.
    pub(crate) fn axis_moves(
        &self,
        name: &str,
        shape: &Shape,
        permutations: &[Vec<u32>],
        factors: &[Factors],
    ) -> (AxisMaps, AxisFactors) {
        let axes = shape.rank().max(1);
        let (mut maps, mut all): (AxisMaps, AxisFactors) = (vec![None; axes], vec![None; axes]);
        for (position, generator) in self.generators().iter().enumerate() {
            let here = generator.actions.iter().enumerate().filter(|(_, action)| action.parameter == name);
            for (number, action) in here {
                let size = axis_size(shape, action.axis).unwrap_or(0);
                let map = &mut maps[action.axis];
                // What is inside of others acts before they move it: on where they will read from.
                if let Some(own) = factors.get(position) {
                    stretch_axis(
                        &mut all[action.axis],
                        map.as_deref(),
                        size,
                        factors_of(generator, number, action, own),
                    );
                }
                if generator.is_exchangeable {
                    move_axis(map, size, action, &permutations[position]);
                }
            }
        }
        maps.truncate(shape.rank());
        (maps, all)
    }
}

/// Multiplies the factors of an axis by those of these indices, which are read through `map`.
fn stretch_axis(
    all: &mut Option<Vec<f64>>,
    map: Option<&[usize]>,
    size: usize,
    factors: impl Iterator<Item = (usize, f64)>,
) {
    let mut own: Option<Vec<f64>> = None;
    factors.for_each(|(index, factor)| own.get_or_insert_with(|| vec![1.0; size])[index] *= factor);
    let Some(own) = own else { return };
    let all = all.get_or_insert_with(|| vec![1.0; size]);
    for (index, factor) in all.iter_mut().enumerate() {
        *factor *= own[map.map_or(index, |map| map[index])];
    }
}

/// Reads an axis through a permutation of an action's slots before it is read through `map`.
fn move_axis(map: &mut Option<Vec<usize>>, size: usize, action: &ParameterAxis, permutation: &[u32]) {
    let mut own: Vec<usize> = (0..size).collect();
    for (slot, &source) in permutation.iter().enumerate() {
        let (to, from) = (action.slots.slot(slot), action.slots.slot(source as usize));
        to.iter().zip(from).for_each(|(&to, &from)| own[to] = from);
    }
    match map {
        Some(map) => map.iter_mut().for_each(|index| *index = own[*index]),
        None => *map = Some(own),
    }
}

/// The factors of each index that an action moves, as pairs of an index and its factor other than 1.
fn factors_of<'a>(
    generator: &'a Generator,
    position: usize,
    action: &'a ParameterAxis,
    factors: &'a Factors,
) -> impl Iterator<Item = (usize, f64)> + 'a {
    let block = action.slots.block;
    let factor = move |slot: usize, rank: usize| {
        let scales = generator.scales.iter().zip(&factors.scales);
        let scale: f64 =
            scales.map(|(family, own)| own[slot].powi(family.exponents[position].of(rank))).product();
        let signs = generator.signs.iter().zip(&factors.signs);
        let is_negative = signs
            .map(|(family, own)| own[slot] && family.exponents[position].of(rank) % 2 != 0)
            .fold(false, |one, other| one ^ other);
        if is_negative { -scale } else { scale }
    };
    let indices = action.slots.indices.iter().enumerate();
    indices
        .map(move |(at, &index)| (index, factor(at / block, at % block)))
        .filter(|(_, factor)| *factor != 1.0)
}

/// Converts a tensor where it is not of this type.
fn convert(tensor: &mut Tensor, dtype: DType) {
    if tensor.dtype() != dtype {
        *tensor = tensor.convert(dtype);
    }
}

#[cfg(test)]
mod tests {
    use tensor::{DType, Key};

    use super::*;
    use crate::{Exponents, Family, Slots};

    /// A generator on blocks of two of `w`'s second axis and on single indices of `b`, and one on `w`'s first axis.
    fn group() -> Group {
        let subject =
            |name: &str, shape: &[usize], role| Subject { name: name.to_owned(), shape: shape.into(), role };
        let subjects = vec![
            subject("w", &[2, 7], Role::Parameter),
            subject("b", &[3], Role::Parameter),
            subject("mean", &[2], Role::State),
        ];
        let action =
            |parameter: &str, axis, slots| ParameterAxis { parameter: parameter.to_owned(), axis, slots };
        let blocks = Slots { block: 2, indices: vec![0, 1, 3, 4, 5, 6] };
        let inner = vec![action("w", 1, blocks), action("b", 0, Slots::whole(3))];
        let outer = vec![action("w", 0, Slots::whole(2)), action("mean", 0, Slots::whole(2))];
        let generators = [("inner", 3, inner), ("outer", 2, outer)];
        let generators =
            generators.map(|(name, size, actions)| Generator::permutations(name.to_owned(), size, actions));
        Group::new(subjects, generators.to_vec()).unwrap()
    }

    fn params() -> Params {
        let tensor = |shape: &[usize], start: f64| Tensor::from_fn(shape, |i| start + i as f64);
        Params::from_pairs([
            ("w", tensor(&[2, 7], 0.0)),
            ("b", tensor(&[3], 20.0)),
            ("mean", tensor(&[2], 30.0)),
        ])
    }

    #[test]
    fn blocks_move_whole_and_other_indices_stay() {
        let group = group();
        let moved = group.act(&group.element(vec![vec![1, 2, 0], vec![1, 0]]).unwrap(), &params()).unwrap();
        let values = |name: &str| moved.get(name).unwrap().to_f64_vec();
        assert_eq!(values("w"), [10., 11., 9., 12., 13., 7., 8., 3., 4., 2., 5., 6., 0., 1.]);
        assert_eq!(values("b"), [21., 22., 20.]);
        assert_eq!(values("mean"), [31., 30.]);
    }

    #[test]
    fn acting_twice_is_acting_with_the_composition() {
        let (group, params) = (group(), params());
        let [a, b] = [1, 2].map(|seed| group.random(Key::new(seed)));
        let twice = group.act(&a, &group.act(&b, &params).unwrap()).unwrap();
        assert_eq!(group.act(&group.compose(&a, &b).unwrap(), &params).unwrap(), twice);
        let back = group.act(&group.invert(&a).unwrap(), &group.act(&a, &params).unwrap()).unwrap();
        assert_eq!(back, params);
        assert_eq!(group.act(&group.identity(), &params).unwrap(), params);
    }

    /// The same with scales of the outer slots: `w` by the factor, `mean` by its square, and a sign of the inner blocks' second
    /// indices.
    fn with_factors() -> Group {
        let mut generators = group().generators().to_vec();
        let family = |exponents: [Vec<i32>; 2]| Family {
            exponents: exponents.map(Exponents::new).to_vec(),
            is_approximate: false,
        };
        generators[0].signs = vec![family([vec![0, 1], vec![1]])];
        generators[1].scales = vec![family([vec![1], vec![2]])];
        Group::new(group().subjects().to_vec(), generators).unwrap()
    }

    #[test]
    fn slots_are_multiplied_by_powers_of_their_factors() {
        let group = with_factors();
        let element = group.element(vec![vec![1, 2, 0], vec![1, 0]]).unwrap();
        let factors = vec![
            Factors { signs: vec![vec![true, false, false]], ..Factors::default() },
            Factors { scales: vec![vec![2.0, 0.5]], ..Factors::default() },
        ];
        let moved = group.act(&group.with_factors(element, factors).unwrap(), &params()).unwrap();
        let values = |name: &str| moved.get(name).unwrap().to_f64_vec();
        assert_eq!(values("w"), [20., -22., 18., 24., 26., 14., 16., 1.5, -2., 1., 2.5, 3., 0., 0.5]);
        assert_eq!(values("b"), [-21., 22., 20.]);
        assert_eq!(values("mean"), [124., 7.5]);
        let (a, b) = (group.random(Key::new(4)), group.random(Key::new(5)));
        let twice = group.act(&a, &group.act(&b, &params()).unwrap()).unwrap();
        let once = group.act(&group.compose(&a, &b).unwrap(), &params()).unwrap();
        let back = group.act(&group.invert(&a).unwrap(), &group.act(&a, &params()).unwrap()).unwrap();
        for (x, y) in twice.values().zip(once.values()).chain(back.values().zip(params().values())) {
            for (x, y) in x.to_f64_vec().iter().zip(y.to_f64_vec()) {
                assert!((x - y).abs() <= 1e-13 * x.abs(), "{x} {y}");
            }
        }
    }

    #[test]
    fn every_element_type_moves_alike() {
        let (group, params) = (group(), params());
        let element = group.random(Key::new(3));
        let moved = group.act(&element, &params).unwrap();
        for dtype in DType::ALL {
            let converted = params.with_values(params.values().map(|tensor| tensor.convert(dtype)).collect());
            let expected = params.with_values(moved.values().map(|tensor| tensor.convert(dtype)).collect());
            assert_eq!(group.act(&element, &converted).unwrap(), expected, "{dtype}");
        }
    }

    #[test]
    fn parameters_of_another_architecture_are_refused() {
        let group = group();
        let refusal = |params: &Params| group.act(&group.identity(), params).unwrap_err();
        let pairs = |keep: &[&str]| {
            Params::from_pairs(
                params().iter().filter(|(name, _)| keep.contains(name)).map(|(n, t)| (n, t.clone())),
            )
        };
        assert!(
            matches!(refusal(&pairs(&["w"])), SymmetryError::MissingParameter { name, .. } if name == "b")
        );
        assert!(group.act(&group.identity(), &pairs(&["w", "b"])).is_ok(), "states may be absent");
        let mut other = params();
        *other.get_mut("b").unwrap() = Tensor::zeros(DType::F32, [4]);
        assert_eq!(refusal(&other).to_string(), "parameter 'b': expected shape [3], found [4]");
        let more = params()
            .iter()
            .map(|(n, t)| (n.to_owned(), t.clone()))
            .chain([("c".to_owned(), Tensor::scalar(0f32))])
            .collect::<Vec<_>>();
        assert!(
            matches!(refusal(&Params::from_pairs(more)), SymmetryError::UnexpectedParameter { name, .. } if name == "c")
        );
    }
}
