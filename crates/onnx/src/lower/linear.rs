//! Products of matrices.

use graph::{Val, ops, ops::DotGeneral};
use tensor::Shape;

use super::node::{Node, Outputs, Value, common_shape};
use crate::error::{Fault, invalid};

impl Node<'_> {
    /// `x y` of matrices in stacks that stretch to a common one; a vector counts as a row on the left, as a column on the
    /// right.
    pub(super) fn matmul(&mut self, x: Val, y: Val) -> Result<Val, Fault> {
        let shapes = [x, y].map(|val| self.b.shape(val).clone());
        let ranks = [shapes[0].rank(), shapes[1].rank()];
        if ranks.contains(&0) {
            return invalid("matrices or vectors", format!("{} and {}", shapes[0], shapes[1]));
        }
        // One matrix on the right serves all rows of the stack on the left.
        if ranks[1] <= 2 {
            return self.contract(x, y, 0);
        }
        if ranks[0] == 1 {
            return self.contract_vector(x, y);
        }
        let stack = common_shape(&[leading(&shapes[0]), leading(&shapes[1])])?;
        let [x, y] = [(x, &shapes[0]), (y, &shapes[1])].map(|(val, shape)| {
            let full: Shape = [&stack[..], &shape[shape.rank() - 2..]].concat().into();
            self.stretch(val, &full)
        });
        self.contract(x?, y?, stack.rank())
    }

    /// The sum over the last axis of `x` and the second last of `y`, or its only one, for each index of `batch` first axes.
    fn contract(&mut self, x: Val, y: Val, batch: usize) -> Result<Val, Fault> {
        let (left, right) = (self.b.shape(x).rank(), self.b.shape(y).rank());
        let op = DotGeneral {
            lhs_batch: (0..batch).collect(),
            rhs_batch: (0..batch).collect(),
            lhs_contract: vec![left - 1],
            rhs_contract: vec![right.saturating_sub(2)],
        };
        self.apply(op, &[x, y])
    }

    /// The product of a row with each matrix of a stack.
    fn contract_vector(&mut self, x: Val, y: Val) -> Result<Val, Fault> {
        let rank = self.b.shape(y).rank();
        let op = DotGeneral {
            lhs_batch: Vec::new(),
            rhs_batch: Vec::new(),
            lhs_contract: vec![0],
            rhs_contract: vec![rank - 2],
        };
        self.apply(op, &[x, y])
    }
}

/// The axes before those of a matrix.
fn leading(shape: &Shape) -> Shape {
    Shape::from(&shape[..shape.rank() - 2])
}

pub(super) fn matmul(node: &mut Node<'_>) -> Outputs {
    let (x, y) = (node.float_x(0)?, node.float_x(1)?);
    Ok(vec![Value::Plain(node.matmul(x, y)?)])
}

/// `alpha A B + beta C`, with either matrix transposed.
pub(super) fn gemm(node: &mut Node<'_>) -> Outputs {
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    let (left, right) = (node.flag("transA")?, node.flag("transB")?);
    let (x, w) = (node.float_x(0)?, node.float_x(1)?);
    if [x, w].iter().any(|&val| node.b.shape(val).rank() != 2) {
        return invalid("two matrices", format!("{} and {}", node.b.ty(x), node.b.ty(w)));
    }
    let op = DotGeneral {
        lhs_batch: Vec::new(),
        rhs_batch: Vec::new(),
        lhs_contract: vec![usize::from(!left)],
        rhs_contract: vec![usize::from(right)],
    };
    let mut y = node.apply(op, &[x, w])?;
    if alpha != 1.0 {
        y = node.scale(y, alpha)?;
    }
    if let Some(mut bias) = node.optional(2)?
        && beta != 0.0
    {
        if beta != 1.0 {
            bias = node.scale(bias, beta)?;
        }
        let shape = node.b.shape(y).clone();
        let bias = node.stretch(bias, &shape)?;
        y = node.apply(ops::Add, &[y, bias])?;
    }
    Ok(vec![Value::Plain(y)])
}

/// The letters of the operands and of the result of an equation as `bij,bjk->bik`.
struct Equation {
    operands: Vec<Vec<char>>,
    result: Vec<char>,
}

impl Equation {
    fn parse(text: &str) -> Result<Self, Fault> {
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let Some((left, right)) = text.split_once("->") else {
            return invalid("an equation with an arrow", format!("'{text}'"));
        };
        if !text.chars().all(|letter| letter.is_ascii_alphabetic() || ",->".contains(letter)) {
            return invalid("an equation of letters, commas and an arrow", format!("'{text}'"));
        }
        let operands = left.split(',').map(|letters| letters.chars().collect()).collect();
        Ok(Self { operands, result: right.chars().collect() })
    }
}

fn has_each_once(letters: &[char]) -> bool {
    letters.iter().enumerate().all(|(place, letter)| !letters[..place].contains(letter))
}

/// Products summed over the letters that the result does not have.
pub(super) fn einsum(node: &mut Node<'_>) -> Outputs {
    let equation = Equation::parse(&node.text("equation", "")?)?;
    let [x, y] = &equation.operands[..] else {
        return crate::error::unsupported(format!("{} operands", equation.operands.len()));
    };
    let result = &equation.result;
    let fits = [x, y, result].into_iter().all(|letters| has_each_once(letters));
    let known = |letter: &char| x.contains(letter) || y.contains(letter);
    let alone = |one: &[char], other: &[char]| {
        one.iter().any(|letter| !other.contains(letter) && !result.contains(letter))
    };
    if !fits || !result.iter().all(known) || alone(x, y) || alone(y, x) {
        return crate::error::unsupported("an equation with repeated letters or sums over one operand");
    }
    let (lhs, rhs) = (node.float_x(0)?, node.float_x(1)?);
    if [(lhs, x), (rhs, y)].iter().any(|(val, letters)| node.b.shape(*val).rank() != letters.len()) {
        return invalid("as many letters as axes", format!("{} and {}", node.b.ty(lhs), node.b.ty(rhs)));
    }
    let shared = |wanted: bool| -> (Vec<usize>, Vec<usize>) {
        let pairs = x.iter().enumerate().filter_map(|(axis, letter)| {
            let other = y.iter().position(|other| other == letter)?;
            (result.contains(letter) == wanted).then_some((axis, other))
        });
        pairs.unzip()
    };
    let ((lhs_batch, rhs_batch), (lhs_contract, rhs_contract)) = (shared(true), shared(false));
    let batch: Vec<char> = lhs_batch.iter().map(|&axis| x[axis]).collect();
    let free = |letters: &[char], other: &[char]| -> Vec<char> {
        letters.iter().copied().filter(|letter| !other.contains(letter)).collect()
    };
    let order = [batch, free(x, y), free(y, x)].concat();
    let product = node.apply(DotGeneral { lhs_batch, rhs_batch, lhs_contract, rhs_contract }, &[lhs, rhs])?;
    let permutation: Option<Vec<usize>> =
        result.iter().map(|letter| order.iter().position(|other| other == letter)).collect();
    match permutation {
        Some(permutation) => Ok(vec![Value::Plain(node.permute(product, permutation)?)]),
        None => unreachable!("every letter of the result is an operand's"),
    }
}
