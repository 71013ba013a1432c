//! The scales of a canonical form: coordinate descent on their logarithms.

use graph::Role;
use models::Params;
use tensor::DType;

use super::{
    Scaling,
    terms::{Terms, Unknowns},
};
use crate::{Factors, Group, SymmetryError};

/// Passes after which it is given up. Ours: chains of a hundred layers need a few thousand.
const MOST_SWEEPS: usize = 20_000;

/// Steps are lengthened by this factor when balanced scales are near: successive over-relaxation, which converges for every convex
/// quadratic problem and factors below 2 (Ostrowski 1954). Ours: chains of twenty layers need a fifth of the sweeps.
const RELAXATION: f64 = 1.6;

/// What is near: the residual from which on the problem is nearly quadratic. Ours.
const NEAR: f64 = 0.1;

/// The scales of a canonical form.
pub(super) struct Scales {
    pub(super) factors: Vec<Factors>,
    pub(super) residual: f64,
    pub(super) undetermined: usize,
    pub(super) sweeps: usize,
}

impl Scales {
    /// Nothing is scaled.
    pub(super) fn none(group: &Group) -> Self {
        Self { factors: group.identity().factors().to_vec(), residual: 0.0, undetermined: 0, sweeps: 0 }
    }
}

/// Finds the scales.
pub(super) fn scales(group: &Group, params: &Params, scaling: Scaling) -> Result<Scales, SymmetryError> {
    let unknowns = Unknowns::new(group, |generator| &generator.scales);
    let terms = Terms::new(group, &unknowns, params);
    let mut problem = Problem::new(group, &unknowns, &terms, scaling);
    let undetermined = undetermined(group, &unknowns, &problem.is_free);
    let is_single = group.subjects().iter().any(|subject| {
        subject.role == Role::Parameter
            && params.get(&subject.name).is_some_and(|tensor| tensor.dtype() != DType::F64)
    });
    // Rounding of each element changes squares by one unit in the last place; half as much again is for the solution's own error.
    let rounding = if is_single { 2.0 * f64::from(f32::EPSILON) } else { 1e-10 };
    let (mut residual, mut sweeps) = (problem.residual(), 0);
    if residual > rounding {
        (residual, sweeps) = problem.solve(rounding / 64.0)?;
    }
    let mut factors = Scales::none(group).factors;
    for (position, (generator, factors)) in group.generators().iter().zip(&mut factors).enumerate() {
        for (family, own) in factors.scales.iter_mut().enumerate() {
            let logarithms = &problem.logarithms[unknowns.of(generator, position, family)];
            own.iter_mut().zip(logarithms).for_each(|(scale, logarithm)| *scale = logarithm.exp());
        }
    }
    Ok(Scales { factors, residual, undetermined, sweeps })
}

/// The number of scales that hold exactly and that the form does not determine.
fn undetermined(group: &Group, unknowns: &Unknowns, is_free: &[bool]) -> usize {
    let generators = group.generators().iter().enumerate();
    let families = generators.flat_map(|(position, generator)| {
        let exact = generator.scales.iter().enumerate().filter(|(_, family)| !family.is_approximate);
        exact.map(move |(family, _)| unknowns.of(generator, position, family))
    });
    families.flatten().filter(|&unknown| !is_free[unknown]).count()
}

/// One side of a unit: what grows with its factor, or what shrinks.
#[derive(Clone, Copy, Default)]
struct Side {
    /// The sum of squares, each times the magnitude of its exponent.
    weight: f64,
    /// The largest magnitude of an exponent.
    steepest: i32,
}

/// The difference of two sides relative to their sum.
fn imbalance(plus: Side, minus: Side) -> f64 {
    (plus.weight - minus.weight).abs() / (plus.weight + minus.weight)
}

struct Problem<'a> {
    terms: &'a Terms,
    scaling: Scaling,
    /// For each unknown the terms that it scales, with the exponents.
    of: Vec<Vec<(u32, i32)>>,
    /// For each unknown the parameter that makes the unit, and the sign of its exponents there.
    makes: Vec<(usize, i32)>,
    /// Whether the form says what the unknown is.
    is_free: Vec<bool>,
    logarithms: Vec<f64>,
    /// The terms, scaled.
    squares: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(group: &Group, unknowns: &Unknowns, terms: &'a Terms, scaling: Scaling) -> Self {
        let mut of = vec![Vec::new(); unknowns.count];
        for (number, term) in terms.terms.iter().enumerate() {
            terms.powers(term).iter().for_each(|&(unknown, exponent)| {
                of[unknown as usize].push((number as u32, exponent));
            });
        }
        let squares: Vec<f64> = terms.terms.iter().map(|term| term.square).collect();
        let logarithms = vec![0.0; unknowns.count];
        let (makes, is_free) = (makers(group, unknowns), vec![true; unknowns.count]);
        let mut problem = Self { terms, scaling, of, makes, is_free, logarithms, squares };
        problem.set_aside();
        problem
    }

    /// Finds the units without anything on a side that must have something. Of balanced ones what belongs to them could
    /// vanish, and is not counted, which may leave others without anything.
    fn set_aside(&mut self) {
        loop {
            let lacks = |unknown: &usize| {
                let [plus, minus] = self.sides(*unknown);
                self.is_free[*unknown]
                    && match self.scaling {
                        Scaling::Balanced => plus.weight == 0.0 || minus.weight == 0.0,
                        Scaling::Unit => self.made(*unknown).weight == 0.0,
                    }
            };
            let lacking: Vec<usize> = (0..self.of.len()).filter(lacks).collect();
            if lacking.is_empty() {
                return;
            }
            for unknown in lacking {
                self.is_free[unknown] = false;
                if self.scaling == Scaling::Balanced {
                    self.of[unknown].iter().for_each(|(term, _)| self.squares[*term as usize] = 0.0);
                }
            }
        }
    }

    /// What grows with an unknown's factor, and what shrinks.
    fn sides(&self, unknown: usize) -> [Side; 2] {
        let mut sides = [Side::default(); 2];
        for &(term, exponent) in &self.of[unknown] {
            let (side, square) = (&mut sides[usize::from(exponent < 0)], self.squares[term as usize]);
            if square > 0.0 {
                side.weight += square * f64::from(exponent.abs());
                side.steepest = side.steepest.max(exponent.abs());
            }
        }
        sides
    }

    /// What makes a unit.
    fn made(&self, unknown: usize) -> Side {
        let mut made = Side::default();
        let (subject, sign) = self.makes[unknown];
        let makes = |&&(term, exponent): &&(u32, i32)| {
            exponent.signum() == sign && self.terms.terms[term as usize].subject == subject
        };
        for &(term, exponent) in self.of[unknown].iter().filter(makes) {
            made.weight += self.squares[term as usize];
            made.steepest = made.steepest.max(exponent.abs());
        }
        made
    }

    /// Sweeps over all unknowns until the residual is at most `enough`; the residual, and the number of sweeps.
    fn solve(&mut self, enough: f64) -> Result<(f64, usize), SymmetryError> {
        let mut residual = f64::INFINITY;
        for sweeps in 1..=MOST_SWEEPS {
            let is_near = self.scaling == Scaling::Balanced && residual < NEAR;
            let relaxation = if is_near { RELAXATION } else { 1.0 };
            residual =
                (0..self.of.len()).map(|unknown| self.improve(unknown, relaxation)).fold(0.0, f64::max);
            if residual <= enough {
                self.renew();
                residual = self.residual();
            }
            if residual <= enough {
                return Ok((residual, sweeps));
            }
        }
        Err(SymmetryError::NoCanonicalScales { residual, sweeps: MOST_SWEEPS })
    }

    /// Changes one logarithm: to the solution of its own equation where all exponents of a side are equal, and otherwise towards it,
    /// never past it; and that so many times as far. Returns how far the equation was from being solved.
    fn improve(&mut self, unknown: usize, relaxation: f64) -> f64 {
        if !self.is_free[unknown] {
            return 0.0;
        }
        let (change, residual) = match self.scaling {
            Scaling::Balanced => {
                let [plus, minus] = self.sides(unknown);
                let change =
                    (minus.weight / plus.weight).ln() / f64::from(2 * (plus.steepest + minus.steepest));
                (change, imbalance(plus, minus))
            }
            Scaling::Unit => {
                let made = self.made(unknown);
                let change = -made.weight.ln() / f64::from(2 * made.steepest * self.makes[unknown].1);
                (change, (made.weight - 1.0).abs())
            }
        };
        self.logarithms[unknown] += relaxation * change;
        let factor = (2.0 * relaxation * change).exp();
        for &(term, exponent) in &self.of[unknown] {
            self.squares[term as usize] *= factor.powi(exponent);
        }
        residual
    }

    /// Computes all terms anew, without the errors of many small changes.
    fn renew(&mut self) {
        for (square, term) in
            self.squares.iter_mut().zip(&self.terms.terms).filter(|(square, _)| **square > 0.0)
        {
            let powers = self.terms.powers(term).iter();
            let logarithm: f64 = powers
                .map(|&(unknown, exponent)| f64::from(exponent) * self.logarithms[unknown as usize])
                .sum();
            *square = term.square * (2.0 * logarithm).exp();
        }
    }

    /// How far the equations are from being solved, at worst.
    fn residual(&self) -> f64 {
        let of = |unknown: usize| match self.scaling {
            Scaling::Balanced => {
                let [plus, minus] = self.sides(unknown);
                imbalance(plus, minus)
            }
            Scaling::Unit => (self.made(unknown).weight - 1.0).abs(),
        };
        let free = (0..self.of.len()).filter(|unknown| self.is_free[*unknown]);
        free.map(of).fold(0.0, f64::max)
    }
}

/// For each unknown the first parameter that it scales, and the sign of its first exponent there.
fn makers(group: &Group, unknowns: &Unknowns) -> Vec<(usize, i32)> {
    let mut makes = vec![(0, 1); unknowns.count];
    let number = |name: &str| group.subjects().iter().position(|subject| subject.name == name);
    for (position, generator) in group.generators().iter().enumerate() {
        for (family_number, family) in generator.scales.iter().enumerate() {
            let signs = generator.actions.iter().zip(&family.exponents).filter_map(|(action, exponents)| {
                let subject = number(&action.parameter)?;
                let is_parameter = group.subjects()[subject].role == Role::Parameter;
                let first = (0..action.slots.block).map(|rank| exponents.of(rank)).find(|own| *own != 0);
                Some((subject, first.filter(|_| is_parameter)?.signum()))
            });
            if let Some(first) = signs.min_by_key(|(subject, _)| *subject) {
                makes[unknowns.of(generator, position, family_number)].fill(first);
            }
        }
    }
    makes
}
