//! Which methods there are, and their parameters. Names, scopes and defaults are mergekit's (version 0.1.5).

use crate::recipe::Kind;

/// A method of merging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Weighted average (Wortsman et al. 2022, "Model soups").
    Linear,
    /// Along the great circle between two models.
    Slerp,
    /// Along the great circle, weighted, whole or row by row, of models or of differences from a base.
    Nuslerp,
    /// Base plus weighted differences (Ilharco et al. 2023).
    TaskArithmetic,
    /// The largest differences, where their signs agree (Yadav et al. 2023).
    Ties,
    /// Random differences, scaled up (Yu et al. 2024).
    DareLinear,
    /// Random differences, where their signs agree.
    DareTies,
    /// Random differences, the larger the likelier, where their signs agree (Deep et al. 2024).
    Della,
    /// Random differences, the larger the likelier.
    DellaLinear,
    /// Differences but the largest and the smallest (Davari and Belilovsky 2024).
    Breadcrumbs,
    /// Differences but the largest and the smallest, where their signs agree.
    BreadcrumbsTies,
    /// Between the average and the base, by the angle between differences (Jang et al. 2024).
    ModelStock,
    /// The mean on the sphere.
    Karcher,
    /// Differences that vary most, weighted by their squares, where their signs agree (Wan et al. 2024).
    Sce,
    /// One model as it is, or scaled.
    Passthrough,
}

/// For what a parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Once.
    Shared,
    /// For each model, the base among them.
    Input,
    /// For each model but the base.
    NonBase,
}

/// What a parameter is where nothing is said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// It must be given.
    Required,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// It stays out.
    Nothing,
}

/// A parameter of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The name in recipes.
    pub name: &'static str,
    /// What it must be.
    pub kind: Kind,
    /// For what it is given.
    pub scope: Scope,
    /// What it is where nothing is said.
    pub default: Default,
}

/// Whether a method takes a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// It must be there.
    Required,
    /// It may be there.
    Optional,
    /// It is a model like the others.
    Alike,
}

/// A parameter of mergekit that chooses how masks are kept in memory, and nothing of the result.
pub(crate) const INT8_MASK: &str = "int8_mask";

const fn parameter(name: &'static str, kind: Kind, scope: Scope, default: Default) -> Parameter {
    Parameter { name, kind, scope, default }
}

/// The parameters of methods that add differences, with these two defaults.
const fn differences(normalize: bool, rescale: bool) -> [Parameter; 8] {
    [
        parameter("weight", Kind::Number, Scope::NonBase, Default::Required),
        parameter("density", Kind::Number, Scope::NonBase, Default::Number(1.0)),
        parameter("normalize", Kind::Bool, Scope::Shared, Default::Bool(normalize)),
        parameter("rescale", Kind::Bool, Scope::Shared, Default::Bool(rescale)),
        parameter("lambda", Kind::Number, Scope::Shared, Default::Number(1.0)),
        parameter(INT8_MASK, Kind::Bool, Scope::Shared, Default::Bool(false)),
        parameter("gamma", Kind::Number, Scope::NonBase, Default::Number(0.01)),
        parameter("epsilon", Kind::Number, Scope::NonBase, Default::Number(0.15)),
    ]
}

/// How many of [`differences`] a method has that knows neither `gamma` nor `epsilon`.
const PLAIN: usize = 6;

const LINEAR: &[Parameter] = &[
    parameter("weight", Kind::Number, Scope::Input, Default::Required),
    parameter("normalize", Kind::Bool, Scope::Shared, Default::Bool(true)),
];
const SLERP: &[Parameter] = &[parameter("t", Kind::Number, Scope::Shared, Default::Required)];
const NUSLERP: &[Parameter] = &[
    parameter("weight", Kind::Number, Scope::NonBase, Default::Required),
    parameter("nuslerp_row_wise", Kind::Bool, Scope::Shared, Default::Bool(false)),
    parameter("nuslerp_flatten", Kind::Bool, Scope::Shared, Default::Bool(true)),
];
const MODEL_STOCK: &[Parameter] =
    &[parameter("filter_wise", Kind::Bool, Scope::Shared, Default::Bool(false))];
const KARCHER: &[Parameter] = &[
    parameter("max_iter", Kind::Count, Scope::Shared, Default::Number(10.0)),
    parameter("tol", Kind::Number, Scope::Shared, Default::Number(1e-5)),
];
const SCE: &[Parameter] = &[
    parameter("select_topk", Kind::Number, Scope::Shared, Default::Number(1.0)),
    parameter(INT8_MASK, Kind::Bool, Scope::Shared, Default::Bool(false)),
];
const PASSTHROUGH: &[Parameter] = &[parameter("scale", Kind::Number, Scope::Input, Default::Nothing)];

const SUMS: &[Parameter; 8] = &differences(false, false);
const TIES: &[Parameter; 8] = &differences(true, false);
const DARE: &[Parameter; 8] = &differences(false, true);
const DELLA: &[Parameter; 8] = &differences(true, true);

/// All but `gamma`, which stands before `epsilon`.
const DELLA_ONLY: &[Parameter; 7] = &without_gamma(DELLA);
const DELLA_LINEAR_ONLY: &[Parameter; 7] = &without_gamma(DARE);

const fn without_gamma(all: &[Parameter; 8]) -> [Parameter; 7] {
    [all[0], all[1], all[2], all[3], all[4], all[5], all[7]]
}

impl Method {
    /// All methods, as the help lists them.
    pub const ALL: [Self; 15] = [
        Self::Linear,
        Self::Slerp,
        Self::Nuslerp,
        Self::TaskArithmetic,
        Self::Ties,
        Self::DareLinear,
        Self::DareTies,
        Self::Della,
        Self::DellaLinear,
        Self::Breadcrumbs,
        Self::BreadcrumbsTies,
        Self::ModelStock,
        Self::Karcher,
        Self::Sce,
        Self::Passthrough,
    ];

    /// The name in recipes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Slerp => "slerp",
            Self::Nuslerp => "nuslerp",
            Self::TaskArithmetic => "task_arithmetic",
            Self::Ties => "ties",
            Self::DareLinear => "dare_linear",
            Self::DareTies => "dare_ties",
            Self::Della => "della",
            Self::DellaLinear => "della_linear",
            Self::Breadcrumbs => "breadcrumbs",
            Self::BreadcrumbsTies => "breadcrumbs_ties",
            Self::ModelStock => "model_stock",
            Self::Karcher => "karcher",
            Self::Sce => "sce",
            Self::Passthrough => "passthrough",
        }
    }

    /// The names of all methods.
    #[must_use]
    pub fn names() -> [&'static str; 15] {
        Self::ALL.map(Self::name)
    }

    /// The method of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Its parameters.
    #[must_use]
    pub const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Linear => LINEAR,
            Self::Slerp => SLERP,
            Self::Nuslerp => NUSLERP,
            Self::TaskArithmetic => SUMS.split_at(PLAIN).0,
            Self::Ties => TIES.split_at(PLAIN).0,
            Self::DareLinear | Self::DareTies => DARE.split_at(PLAIN).0,
            Self::Della => DELLA_ONLY,
            Self::DellaLinear => DELLA_LINEAR_ONLY,
            Self::Breadcrumbs | Self::BreadcrumbsTies => SUMS.split_at(PLAIN + 1).0,
            Self::ModelStock => MODEL_STOCK,
            Self::Karcher => KARCHER,
            Self::Sce => SCE,
            Self::Passthrough => PASSTHROUGH,
        }
    }

    /// Whether it takes a base.
    #[must_use]
    pub const fn base(self) -> Base {
        match self {
            Self::Linear | Self::Karcher | Self::Passthrough => Base::Alike,
            Self::Nuslerp => Base::Optional,
            _ => Base::Required,
        }
    }

    /// The least and the largest number of models beside a base that is one.
    #[must_use]
    pub const fn models(self) -> (usize, usize) {
        match self {
            Self::Slerp => (1, 1),
            Self::Nuslerp | Self::ModelStock => {
                (2, if matches!(self, Self::Nuslerp) { 2 } else { usize::MAX })
            }
            Self::Passthrough => (1, 1),
            _ => (1, usize::MAX),
        }
    }
}

/// The names of all parameters of all methods.
pub(crate) fn parameter_names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        Method::ALL.iter().flat_map(|method| method.parameters()).map(|parameter| parameter.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
