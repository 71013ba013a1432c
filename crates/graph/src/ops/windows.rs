//! Windows over all axes of a tensor: what the primitives that have them share.

use tensor::{DType, Shape, Tensor};

use super::{
    elementwise::{check_count, is_number},
    indexing,
    window::Window,
};
use crate::{Attr, AttributeError, AttributeReader, Axis, AxisMap, Ty, TypeError};

/// Size, stride and padding of each window, for the text form.
pub(super) fn attributes(windows: &[Window]) -> Vec<(&'static str, Attr)> {
    let list = |field: fn(&Window) -> i64| Attr::Ints(windows.iter().map(field).collect());
    vec![
        ("window", list(|window| window.size as i64)),
        ("strides", list(|window| window.stride as i64)),
        ("low", list(|window| window.low)),
        ("high", list(|window| window.high)),
    ]
}

/// The inverse of [`attributes`].
pub(super) fn read(reader: &mut AttributeReader) -> Result<Vec<Window>, AttributeError> {
    let sizes = reader.sizes("window")?;
    let strides = entries(reader, "strides", AttributeReader::sizes, &sizes)?;
    let low = entries(reader, "low", AttributeReader::integers, &sizes)?;
    let high = entries(reader, "high", AttributeReader::integers, &sizes)?;
    let window = |axis: usize| Window {
        size: sizes[axis],
        stride: strides[axis],
        low: low[axis],
        high: high[axis],
        ..Window::POINT
    };
    Ok((0..sizes.len()).map(window).collect())
}

/// A list with as many entries as `sizes`.
pub(super) fn entries<T>(
    reader: &mut AttributeReader,
    name: &'static str,
    read: impl FnOnce(&mut AttributeReader, &'static str) -> Result<Vec<T>, AttributeError>,
    sizes: &[usize],
) -> Result<Vec<T>, AttributeError> {
    let list = read(reader, name)?;
    if list.len() == sizes.len() {
        return Ok(list);
    }
    Err(reader.malformed(name, "a list as long as that of the windows' sizes"))
}

/// C1: `count` operands; C2: the first holds numbers, and others are of `i32`.
pub(super) fn check_operands(op: &'static str, count: usize, operands: &[&Ty]) -> Result<(), TypeError> {
    check_count(op, "C1", count, operands)?;
    let x = operands[0].dtype;
    if !is_number(x) || operands[1..].iter().any(|positions| positions.dtype != DType::I32) {
        let found: Vec<DType> = operands.iter().map(|ty| ty.dtype).collect();
        let message = format!("expected numbers, and positions of i32; found {found:?}");
        return Err(TypeError::new(op, "C2", message, operands));
    }
    Ok(())
}

/// The sizes of the results of windows over `base`. C3: a window for each axis; C4: strides and dilations are
/// positive, and nothing reaches too far.
pub(super) fn results(
    op: &'static str,
    windows: &[Window],
    base: &Shape,
    operands: &[&Ty],
) -> Result<Vec<usize>, TypeError> {
    if windows.len() != base.rank() {
        let message = format!("{} windows for the axes of {base}", windows.len());
        return Err(TypeError::new(op, "C3", message, operands));
    }
    let sizes = windows.iter().zip(base.iter()).map(|(window, &size)| {
        window.results(size).ok_or_else(|| {
            let message = format!("over {size} indices, {window:?} is not positive or reaches too far");
            TypeError::new(op, "C4", message, operands)
        })
    });
    sizes.collect()
}

/// As [`results`], for windows whose positions have numbers. C4: also, nothing is dilated; C5: a window has at most
/// 2^31 - 1 positions.
pub(super) fn numbered_results(
    op: &'static str,
    windows: &[Window],
    base: &Shape,
    operands: &[&Ty],
) -> Result<Vec<usize>, TypeError> {
    let sizes = results(op, windows, base, operands)?;
    if let Some(window) = windows.iter().find(|window| !window.is_dense()) {
        return Err(TypeError::new(op, "C4", format!("{window:?} has a dilation"), operands));
    }
    let shape: Shape = windows.iter().map(|window| window.size).collect();
    if shape.checked_elements().is_none_or(|positions| i32::try_from(positions).is_err()) {
        let message = format!("a window of {shape} has more positions than i32 can number");
        return Err(TypeError::new(op, "C5", message, operands));
    }
    Ok(sizes)
}

/// Windows over a tensor of shape `base`.
#[derive(Clone, Copy)]
pub(super) struct Over<'a> {
    pub(super) windows: &'a [Window],
    pub(super) base: &'a Shape,
}

impl Over<'_> {
    /// All positions of a window, in the order of their numbers.
    pub(super) fn positions(&self) -> Vec<Vec<usize>> {
        indexing::indices(&self.windows.iter().map(|window| window.size).collect::<Vec<_>>()).collect()
    }

    /// Where the element is that the window of `result` has at `position`, if there is one.
    pub(super) fn source(&self, result: &[usize], position: &[usize]) -> Option<usize> {
        let along = |axis: usize| self.windows[axis].source(self.base[axis], result[axis], position[axis]);
        let index: Option<Vec<usize>> = (0..self.windows.len()).map(along).collect();
        index.map(|index| indexing::flat(self.base, &index))
    }

    /// For each result in turn where the element is that it names: the number of its position stands in `positions`.
    pub(super) fn named(&self, positions: &Tensor) -> Vec<Option<usize>> {
        let numbers = positions.as_slice::<i32>().expect("the type rule admits i32 only");
        let all = self.positions();
        let named = indexing::indices(positions.shape()).zip(numbers).map(|(result, &number)| {
            let position = usize::try_from(number).ok().and_then(|number| all.get(number))?;
            self.source(&result, position)
        });
        named.collect()
    }
}

/// What a window sees of one index moves with the result; every other axis is fixed. `base` is the tensor under the
/// windows, `others` those with an element for each window.
pub(super) fn axis_map(
    windows: &[Window],
    base: &Shape,
    results: &Shape,
    [under, over]: [fn(usize) -> Axis; 2],
    positions: Option<usize>,
) -> AxisMap {
    let mut map = AxisMap::default();
    for (axis, window) in windows.iter().enumerate() {
        let positions = positions.map(|operand| Axis::operand(operand, axis));
        if window.is_pointwise(base[axis]) {
            map.tie(under(axis), over(axis), base[axis]);
            positions.into_iter().for_each(|positions| map.tie(positions, over(axis), results[axis]));
        } else {
            map.fix(under(axis), base[axis]);
            map.fix(over(axis), results[axis]);
            positions.into_iter().for_each(|positions| map.fix(positions, results[axis]));
        }
    }
    map
}
