//! Counter-based random bits.

use tensor::{Buffer, DType, Key, Shape, Tensor};

use super::elementwise::check_count;
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty, TypeError,
    Val,
};

/// `result[i]` is word `i`, in row-major order, of the stream numbered `counter` of `key`: 32 random bits that depend
/// on these three numbers alone (Philox 4×32-10; see [`tensor::Key::words`]).
///
/// Operands `key: i32[2]`, `counter: i32[]`, whose bits are taken as they are; attribute `shape`; result `i32[shape]`.
///
/// Constraints: (C1) two operands; (C2) `key` of type `i32[2]`; (C3) `counter` of type `i32[]`.
/// Derivative: zero. Axes: all are fixed. StableHLO: `rng_bit_generator`, with another layout of its state.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomBits {
    /// The shape of the result.
    pub shape: Shape,
}

/// The words of an operand; the type rule has excluded others.
fn words(x: &Tensor) -> &[i32] {
    match x.buffer() {
        Buffer::I32(words) => words,
        _ => unreachable!("the type rule admits integers only"),
    }
}

impl Primitive for RandomBits {
    const NAME: &'static str = "random_bits";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("shape", Attr::sizes(&self.shape))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { shape: reader.shape("shape")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 2, operands)?;
        let expected = [("C2", "a key", Ty::i32([2])), ("C3", "a counter", Ty::i32([]))];
        for (operand, (constraint, what, ty)) in operands.iter().zip(&expected) {
            if *operand != ty {
                let message = format!("expected {what} of type {ty}, found {operand}");
                return Err(TypeError::new(Self::NAME, constraint, message, operands));
            }
        }
        Ok(Ty::new(DType::I32, self.shape.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (key, counter) = (words(operands[0]), words(operands[1])[0]);
        let mut bits = vec![0; self.shape.elements()];
        Key::from_words([key[0] as u32, key[1] as u32]).words(counter as u32, 0, &mut bits);
        Tensor::new(self.shape.clone(), bits).expect("one word for each element")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        map.fix(Axis::operand(0, 0), operands[0].shape[0]);
        result.shape.iter().enumerate().for_each(|(axis, &size)| map.fix(Axis::result(axis), size));
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, shape: &[usize]| {
            let operands = [Ty::i32([2]), Ty::i32([])].map(|ty| (ty, Domain::Below(1 << 30)));
            Case::new(name, Self { shape: shape.into() }, operands.to_vec())
        };
        vec![
            case("random_bits of a matrix", &[3, 5]),
            case("random_bits of nothing", &[0]),
            case("random_bits of a scalar", &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Builder {
    /// Random words of `shape` from the stream numbered `counter` of `key`; see [`RandomBits`].
    ///
    /// # Panics
    /// Where `key` is not of type `i32[2]` or `counter` not of type `i32[]`.
    #[track_caller]
    pub fn random_bits(&mut self, key: Val, counter: Val, shape: &Shape) -> Val {
        self.apply(RandomBits { shape: shape.clone() }, &[key, counter])
    }
}
