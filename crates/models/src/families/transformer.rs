//! What transformers are built of.

use graph::{Builder, Val, composite::Attention};
use tensor::Shape;

use crate::{Activation, ModelError, layout::Layout, line::Line, net::Net};

/// Attention of a sequence to itself with a matrix each for queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads<'a> {
    pub(crate) heads: usize,
    /// Heads of keys and values: a divisor of `heads`.
    pub(crate) key_heads: usize,
    /// Tokens of an example.
    pub(crate) length: usize,
    /// The angles of rotary positions from one to the next; none where positions come otherwise.
    pub(crate) rotary: Option<&'a [f64]>,
    pub(crate) causal: bool,
}

impl Heads<'_> {
    /// Attention over rows `[N T, C]`; `parts` are the names of the linear layers of queries, keys, values and the result.
    pub(crate) fn emit(self, net: &mut Net, parts: [&str; 4], x: Val) -> Val {
        let [query, key, value, output] = parts;
        let [q, k, v] = [(query, self.heads), (key, self.key_heads), (value, self.key_heads)]
            .map(|(name, heads)| self.project(net, name, heads, x));
        let [q, k] = match self.rotary {
            Some(rates) => [net.b.rotary_at(q, rates), net.b.rotary_at(k, rates)],
            None => [q, k],
        };
        let y = net.b.attention(q, k, v, Attention { causal: self.causal, present: None });
        let shape = net.b.shape(y).clone();
        let y = net.b.reshape(y, &Shape::from([shape[0] * shape[1], shape[2] * shape[3]]));
        net.linear(output, y)
    }

    /// `[N, T, heads, depth]` of rows.
    fn project(self, net: &mut Net, name: &str, heads: usize, x: Val) -> Val {
        let y = net.linear(name, x);
        let (rows, width) = (net.b.shape(y)[0], net.b.shape(y)[1]);
        net.b.reshape(y, &Shape::from([rows / self.length, self.length, heads, width / heads]))
    }
}

/// Two linear layers with an activation between them, over rows.
pub(crate) fn feed_forward(net: &mut Net, [first, second]: [&str; 2], activation: Activation, x: Val) -> Val {
    let y = net.linear(first, x);
    let y = activation.emit(&mut net.b, y);
    net.linear(second, y)
}

/// The product of two linear layers, the first behind an activation, through a third (Shazeer 2020, arXiv:2002.05202).
pub(crate) fn gated_feed_forward(
    net: &mut Net,
    [gate, up, down]: [&str; 3],
    activation: Activation,
    x: Val,
) -> Val {
    let y = net.linear(gate, x);
    let y = activation.emit(&mut net.b, y);
    let z = net.linear(up, x);
    let product = net.b.multiply(y, z);
    net.linear(down, product)
}

/// Applies to sequences `[N, length, C]` what is given them as rows `[N length, C]`.
pub(crate) fn over_rows(
    net: &mut Net,
    x: Val,
    length: usize,
    map: impl FnOnce(&mut Builder, Val) -> Val,
) -> Val {
    let rows = net.b.shape(x).clone();
    let x = net.b.reshape(x, &Shape::from([rows[0] / length, length, rows[1]]));
    let y = map(&mut net.b, x);
    net.b.reshape(y, &rows)
}

/// `x: [N, T, C]` with `[T, C]` added to each example.
pub(crate) fn add_to_each(net: &mut Net, x: Val, positions: Val) -> Val {
    let shape = net.b.shape(x).clone();
    let positions = net.b.broadcast(positions, &shape, &[1, 2]);
    net.b.add(x, positions)
}

/// The vectors of the first `length` positions.
pub(crate) fn first(net: &mut Net, positions: Val, length: usize) -> Val {
    if net.b.shape(positions)[0] == length { positions } else { net.b.slice_axis(positions, 0, 0..length) }
}

/// The vector at `position` of each sequence `[N, T, C]`: `[N, C]`.
pub(crate) fn token(net: &mut Net, x: Val, position: usize) -> Val {
    let shape = net.b.shape(x).clone();
    let token = net.b.slice_axis(x, 1, position..position + 1);
    net.b.reshape(token, &Shape::from([shape[0], shape[2]]))
}

/// Declares linear layers of queries, keys, values and the result, all of one width.
pub(crate) fn declare_attention(layout: &mut Layout, parts: [&str; 4], width: usize, bias: bool) {
    for (number, name) in parts.into_iter().enumerate() {
        layout.linear(name, width, width, bias || number == 3);
    }
}

/// Whether heads share the width evenly.
pub(crate) fn check_heads(line: Line<'_>, width: usize, heads: usize) -> Result<(), ModelError> {
    if width.is_multiple_of(heads) {
        return Ok(());
    }
    let found = format!("width {width} and {heads} heads");
    Err(line.fault("a width that is a multiple of the number of heads", found))
}

/// Whether rotary positions can turn heads of this depth.
pub(crate) fn check_rotary(line: Line<'_>, depth: usize) -> Result<(), ModelError> {
    if depth.is_multiple_of(2) {
        return Ok(());
    }
    Err(line.fault("heads of even depth for rotary positions", format!("heads of depth {depth}")))
}
