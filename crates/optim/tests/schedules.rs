//! Learning rates against closed forms.

use isoloss_optim::{Horizon, Schedule};

const HORIZON: Horizon = Horizon { steps_per_epoch: 10, epochs: 6 };

fn rates(text: &str, base: f64) -> Vec<f64> {
    let schedule: Schedule = text.parse().expect("a schedule");
    (0..HORIZON.steps()).map(|step| schedule.rate(base, step, HORIZON)).collect()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-15, "expected {expected}, found {found}");
}

#[test]
fn a_constant_rate_stays() {
    assert!(rates("constant", 0.3).iter().all(|&rate| rate == 0.3));
}

#[test]
fn steps_change_between_epochs_only() {
    let every = rates("step:every=2,gamma=0.5", 1.0);
    assert_eq!(
        [every[0], every[19], every[20], every[39], every[40], every[59]],
        [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    );
    let at = rates("step:at=1/5,gamma=0.5", 1.0);
    assert_eq!([at[9], at[10], at[49], at[50]], [1.0, 0.5, 0.5, 0.25]);
}

#[test]
fn a_cosine_falls_from_the_base_to_its_minimum() {
    let cosine = rates("cosine:min=0.2", 1.0);
    close(cosine[0], 1.0);
    close(cosine[30], 0.6);
    let after_the_last: Schedule = "cosine:min=0.2".parse().unwrap();
    close(after_the_last.rate(1.0, 60, HORIZON), 0.2);
    assert!(cosine.windows(2).all(|pair| pair[1] < pair[0]));
}

#[test]
fn an_exponential_changes_between_epochs_and_a_line_falls_evenly() {
    let exponential = rates("exponential:gamma=0.5", 0.8);
    assert_eq!([exponential[9], exponential[10], exponential[29]], [0.8, 0.4, 0.2]);
    let line = rates("linear:min=0.2,warmup=1", 1.0);
    close(line[10], 1.0);
    close(line[35], 0.6);
    close(line[59], 0.2 + 0.8 / 50.0);
}

#[test]
fn a_warm_up_rises_linearly_and_the_cosine_spans_the_rest() {
    let warm = rates("cosine:warmup=1,warmup_from=1e-6", 0.1);
    close(warm[0], 1e-6);
    close(warm[5], 1e-6 + (0.1 - 1e-6) / 2.0);
    close(warm[10], 0.1);
    close(warm[35], 0.05);
}

#[test]
fn milestones_count_the_epochs_of_the_warm_up() {
    let warm = rates("step:at=2,gamma=0.5,warmup=1", 1.0);
    assert_eq!([warm[0], warm[5], warm[10], warm[19], warm[20]], [0.0, 0.5, 1.0, 1.0, 0.5]);
}

#[test]
fn a_warm_up_longer_than_the_training_never_ends() {
    let warm = rates("cosine:warmup=12", 1.0);
    close(warm[59], 59.0 / 120.0);
}
