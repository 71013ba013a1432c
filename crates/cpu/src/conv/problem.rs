//! What a convolution computes, in terms of strides.

/// One spatial axis. With `t` the position in the input dilated by zeros, `t = stride · output - low +
/// window_dilation · tap`, and the input is read at `t / base_dilation` where that divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) input: Extent,
    pub(crate) kernel: Extent,
    pub(crate) output: Extent,
    pub(crate) stride: usize,
    /// Zeros before the first element; negative to leave elements out.
    pub(crate) low: isize,
    pub(crate) base_dilation: usize,
    pub(crate) window_dilation: usize,
    /// Whether the taps stand in the reverse order in the kernel.
    pub(crate) reversed: bool,
}

/// A number of indices and the distance between their elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) size: usize,
    pub(crate) stride: usize,
}

impl Axis {
    /// An axis with one index everywhere.
    pub(super) const UNIT: Self = Self {
        input: Extent { size: 1, stride: 0 },
        kernel: Extent { size: 1, stride: 0 },
        output: Extent { size: 1, stride: 0 },
        stride: 1,
        low: 0,
        base_dilation: 1,
        window_dilation: 1,
        reversed: false,
    };

    /// The position in the input that tap `tap` of output `output` reads, or `None` for padding and between
    /// elements.
    pub(super) fn position(&self, output: usize, tap: usize) -> Option<usize> {
        let dilated = (self.stride * output + self.window_dilation * tap) as isize - self.low;
        let position = usize::try_from(dilated).ok()?;
        let inside =
            position.is_multiple_of(self.base_dilation) && position / self.base_dilation < self.input.size;
        inside.then(|| position / self.base_dilation)
    }

    /// The number of taps of an output that read an element.
    pub(super) fn taps(&self, output: usize) -> usize {
        let Some(last) = self.input.size.checked_sub(1) else { return 0 };
        let start = (self.stride * output) as isize - self.low;
        let beyond = (last * self.base_dilation) as isize - start;
        let Ok(beyond) = usize::try_from(beyond) else { return 0 };
        let first = start.min(0).unsigned_abs().div_ceil(self.window_dilation);
        let end = self.kernel.size.min(beyond / self.window_dilation + 1);
        // Taps meet elements every so often.
        let period = self.base_dilation / gcd(self.base_dilation, self.window_dilation);
        let mut taps = first..end.min(first + period);
        taps.find(|&tap| self.position(output, tap).is_some()).map_or(0, |tap| (end - tap).div_ceil(period))
    }

    /// Where the weight of a tap is, in elements.
    pub(super) const fn weight(&self, tap: usize) -> usize {
        let tap = if self.reversed { self.kernel.size - 1 - tap } else { tap };
        tap * self.kernel.stride
    }

    /// Whether outputs and inputs correspond one to one.
    const fn is_pointwise(&self) -> bool {
        self.kernel.size == 1
            && self.stride == 1
            && self.low == 0
            && self.base_dilation == 1
            && self.input.size == self.output.size
    }
}

/// Independent convolutions side by side: how far apart their operands and results start, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    pub(crate) count: usize,
    pub(crate) input: usize,
    pub(crate) kernel: usize,
    pub(crate) output: usize,
}

/// A convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) batch: usize,
    pub(crate) batch_strides: Pair,
    /// Input channels of a group, and their strides.
    pub(crate) channels: usize,
    pub(crate) channel_strides: Channels,
    /// Output channels of a group, and their strides.
    pub(crate) features: usize,
    pub(crate) feature_strides: Features,
    pub(crate) axes: Vec<Axis>,
    pub(crate) groups: Groups,
}

/// Strides of the batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) input: usize,
    pub(crate) output: usize,
}

/// Strides of the axis of input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channels {
    pub(crate) input: usize,
    pub(crate) kernel: usize,
}

/// Strides of the axis of output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    pub(crate) kernel: usize,
    pub(crate) output: usize,
}

impl Problem {
    /// The same with at least one axis, and with neighbouring axes taken as one where nothing but their
    /// strides matters.
    pub(super) fn simplified(mut self) -> Self {
        let mut axes: Vec<Axis> = Vec::new();
        for axis in self.axes {
            match axes.last_mut() {
                Some(outer) if merges(outer, &axis) => {
                    let grow =
                        |outer: Extent, inner: Extent| Extent { size: outer.size * inner.size, ..inner };
                    *outer = Axis {
                        input: grow(outer.input, axis.input),
                        output: grow(outer.output, axis.output),
                        ..axis
                    };
                }
                _ => axes.push(axis),
            }
        }
        if axes.is_empty() {
            axes.push(Axis::UNIT);
        }
        self.axes = axes;
        self
    }

    /// Whether this has the shape of a gradient with respect to weights: what stands for the batch, or for the
    /// kernel's outputs, are neighbours where input channels are not, and there is more to sum over than there are
    /// pixels in the result.
    pub(crate) fn sums_over_images(&self) -> bool {
        let plain = |axis: &Axis| axis.base_dilation == 1 && !axis.reversed;
        let size =
            |pick: fn(&Axis) -> Extent| self.axes.iter().map(|axis| pick(axis).size).product::<usize>();
        let apart = self.channels == 1 || self.channel_strides.input != 1;
        let neighbours = self.batch_strides.input == 1 || self.feature_strides.kernel == 1;
        let terms = size(|axis| axis.kernel) * self.channels;
        self.axes.iter().all(plain) && apart && neighbours && terms > size(|axis| axis.output)
    }

    /// The same with the groups as output channels, where each has one input channel and one output channel, and those of
    /// all groups are neighbours: output channel `i` then reads input channel `i` alone. The groups of a gradient with
    /// respect to weights are those of images and of output pixels.
    pub(super) fn channelwise(&self) -> Option<Self> {
        let Groups { count, input, kernel, output } = self.groups;
        let single = count > 1 && self.features == 1 && input == 1;
        let fits = if self.sums_over_images() {
            self.batch == 1 && kernel == 1
        } else {
            self.channels == 1 && output == 1
        };
        (single && fits).then(|| Self {
            features: count,
            feature_strides: Features { kernel, output },
            groups: Groups { count: 1, input: 0, kernel: 0, output: 0 },
            ..self.clone()
        })
    }

    /// Whether the result or all of its terms are empty.
    pub(super) fn is_empty(&self) -> bool {
        let empty = |axis: &Axis| axis.input.size == 0 || axis.kernel.size == 0 || axis.output.size == 0;
        self.batch * self.channels * self.features * self.groups.count == 0 || self.axes.iter().any(empty)
    }

    /// Elements that the input, the kernel and the result reach to, where none is empty.
    fn reach(&self) -> [usize; 3] {
        let Self { groups, batch_strides, channel_strides, feature_strides, .. } = self;
        let last = |size: usize, stride: usize| (size - 1) * stride;
        let axes = |extent: fn(&Axis) -> Extent| {
            self.axes.iter().map(|axis| last(extent(axis).size, extent(axis).stride)).sum::<usize>()
        };
        let batch = [batch_strides.input, 0, batch_strides.output].map(|stride| last(self.batch, stride));
        let channel =
            [channel_strides.input, channel_strides.kernel, 0].map(|stride| last(self.channels, stride));
        let feature =
            [0, feature_strides.kernel, feature_strides.output].map(|stride| last(self.features, stride));
        let group = [groups.input, groups.kernel, groups.output].map(|stride| last(groups.count, stride));
        let spatial = [axes(|axis| axis.input), axes(|axis| axis.kernel), axes(|axis| axis.output)];
        std::array::from_fn(|i| 1 + batch[i] + channel[i] + feature[i] + group[i] + spatial[i])
    }

    /// # Panics
    /// Where an operand or the result is shorter than sizes and strides say, and nothing is empty.
    pub(super) fn check(&self, input: usize, kernel: usize, output: usize) {
        let reach = self.reach();
        assert!(reach[0] <= input, "the input holds its sizes");
        assert!(reach[1] <= kernel, "the kernel holds its sizes");
        assert!(reach[2] <= output, "the result holds its sizes");
    }

    /// Multiplications and additions where no tap falls on padding or between elements.
    pub(crate) fn operations(&self) -> usize {
        let taps = |axis: &Axis| (0..axis.output.size).map(|output| axis.taps(output)).sum::<usize>();
        let each: usize = 2 * self.batch * self.channels * self.features * self.groups.count;
        self.axes.iter().map(taps).fold(each, usize::saturating_mul)
    }
}

/// The greatest common divisor.
pub(super) const fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn merges(outer: &Axis, inner: &Axis) -> bool {
    let follow = |outer: Extent, inner: Extent| outer.stride == inner.size * inner.stride;
    outer.is_pointwise()
        && inner.is_pointwise()
        && follow(outer.input, inner.input)
        && follow(outer.output, inner.output)
}
