//! Matrix products and convolutions.

use graph::ops::{Convolution, DotGeneral, ImageAxes, KernelAxes, Reverse};

use super::{
    Precision,
    program::{Program, Term, Type, array, list, padding},
};

impl Precision {
    /// The attribute of an operation with two operands.
    fn property(self) -> String {
        let word = match self {
            Self::Exact => "HIGHEST",
            Self::Fast => "DEFAULT",
        };
        format!("precision_config = [#stablehlo<precision {word}>, #stablehlo<precision {word}>]")
    }
}

/// The letter or number of each axis, in the order of the axes.
fn image_axes(axes: &ImageAxes) -> String {
    named_axes(&[(axes.batch, "b"), (axes.feature, "f")], &axes.spatial)
}

fn kernel_axes(axes: &KernelAxes) -> String {
    named_axes(&[(axes.output, "o"), (axes.input, "i")], &axes.spatial)
}

fn named_axes(named: &[(usize, &str)], spatial: &[usize]) -> String {
    let mut names = vec![String::new(); named.len() + spatial.len()];
    named.iter().for_each(|(axis, name)| (*name).clone_into(&mut names[*axis]));
    spatial.iter().enumerate().for_each(|(number, &axis)| names[axis] = number.to_string());
    list(names)
}

impl Program {
    pub(super) fn dot_general(
        &mut self,
        op: &DotGeneral,
        [lhs, rhs]: [&Term; 2],
        precision: Precision,
        ty: Type,
    ) -> Term {
        let properties = format!(
            "dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [{}], rhs_batching_dimensions = [{}], \
             lhs_contracting_dimensions = [{}], rhs_contracting_dimensions = [{}]>, {}",
            list(&op.lhs_batch),
            list(&op.rhs_batch),
            list(&op.lhs_contract),
            list(&op.rhs_contract),
            precision.property(),
        );
        self.op("dot_general", &[lhs, rhs], &properties, ty)
    }

    pub(super) fn convolution(
        &mut self,
        op: &Convolution,
        [lhs, rhs]: [&Term; 2],
        precision: Precision,
        ty: Type,
    ) -> Term {
        let rhs = self.mirrored(rhs, op);
        let pairs: Vec<(i64, i64)> = op.low.iter().copied().zip(op.high.iter().copied()).collect();
        let properties = format!(
            "window_strides = {}, padding = {}, lhs_dilation = {}, rhs_dilation = {}, \
             dimension_numbers = #stablehlo.conv<[{}]x[{}]->[{}]>, feature_group_count = {} : i64, \
             batch_group_count = {} : i64, {}",
            array(&op.strides),
            padding(&pairs),
            array(&op.lhs_dilation),
            array(&op.rhs_dilation),
            image_axes(&op.lhs),
            kernel_axes(&op.rhs),
            image_axes(&op.out),
            op.feature_groups,
            op.batch_groups,
            precision.property(),
        );
        self.op("convolution", &[lhs, &rhs], &properties, ty)
    }

    /// The kernel, mirrored where the convolution asks for it. StableHLO can say so in the convolution, but plugins have fast
    /// code only for those that do not.
    fn mirrored(&mut self, kernel: &Term, op: &Convolution) -> Term {
        let axes = op.rhs.spatial.iter().zip(&op.reversal).filter(|(_, mirrored)| **mirrored);
        let mut axes: Vec<usize> = axes.map(|(&axis, _)| axis).collect();
        axes.sort_unstable();
        match axes.is_empty() {
            true => kernel.clone(),
            false => self.reverse(&Reverse { axes }, kernel, kernel.ty.clone()),
        }
    }
}
