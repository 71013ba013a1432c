//! Text forms: what reads, what prints, and what is refused.

use isoloss_optim::{Decay, Method, Optimizer, Schedule};

fn optimizer_error(text: &str) -> String {
    text.parse::<Optimizer>().expect_err("it is wrong").to_string()
}

fn schedule_error(text: &str) -> String {
    text.parse::<Schedule>().expect_err("it is wrong").to_string()
}

#[test]
fn optimizers_print_canonically_and_read_back() {
    for (text, canonical) in [
        (
            "sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=5e-4",
            "sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.0005",
        ),
        ("sgd", "sgd:lr=0.001"),
        (" adam : lr=1e-3 ", "adam:lr=0.001"),
        ("adam:lr=1e-3,beta1=0.9,epsilon=1e-6", "adam:lr=0.001,epsilon=1e-6"),
        ("adamw:weight_decay=0.01,lr=3e-4", "adamw:lr=0.0003"),
        ("adamw:weight_decay=0", "adamw:lr=0.001,weight_decay=0"),
        ("adagrad:initial=0.1,lr_decay=0", "adagrad:lr=0.01,initial=0.1"),
        ("rmsprop:centered,alpha=0.99,momentum=0.9", "rmsprop:lr=0.01,momentum=0.9,centered"),
        ("lion:beta2=0.98", "lion:lr=0.0001,beta2=0.98"),
        ("sophia:every=10,gamma=0.01", "sophia:lr=0.0001,gamma=0.01"),
        ("sophia:every=5", "sophia:lr=0.0001,every=5"),
    ] {
        let optimizer: Optimizer = text.parse().unwrap();
        assert_eq!(optimizer.to_string(), canonical);
        assert_eq!(canonical.parse::<Optimizer>().unwrap(), optimizer);
    }
}

#[test]
fn defaults_are_pytorchs() {
    let Method::Adam(adamw) = *"adamw".parse::<Optimizer>().unwrap().method() else { panic!("not AdamW") };
    assert_eq!((adamw.beta1, adamw.beta2, adamw.epsilon, adamw.weight_decay), (0.9, 0.999, 1e-8, 0.01));
    let Method::Adam(adam) = *"adam".parse::<Optimizer>().unwrap().method() else { panic!("not Adam") };
    assert_eq!(adam.weight_decay, 0.0);
    let Method::Sgd(sgd) = *"sgd".parse::<Optimizer>().unwrap().method() else { panic!("not SGD") };
    assert_eq!((sgd.momentum, sgd.nesterov, sgd.weight_decay), (0.0, false, 0.0));
    assert!("sgd".parse::<Optimizer>().unwrap().slots().is_empty());
}

#[test]
fn unknown_names_get_the_nearest_one() {
    let error = optimizer_error("adma:lr=1e-3");
    assert_eq!(
        error,
        "there is no optimiser called 'adma' (did you mean 'adam'?); known: sgd, adam, adamw, adagrad, rmsprop, lion, sophia"
    );
    assert!(
        optimizer_error("sgd:momentun=0.9")
            .contains("option of sgd called 'momentun' (did you mean 'momentum'?)")
    );
    assert!(optimizer_error("adam:eps=1e-8").contains("did you mean 'epsilon'?"));
    assert!(optimizer_error("adam:nesterov").contains("known: lr, beta1, beta2, epsilon, weight_decay"));
    assert!(optimizer_error("").contains("known: sgd, adam, adamw, adagrad, rmsprop, lion, sophia"));
    assert!(schedule_error("cosin").contains("no schedule called 'cosin' (did you mean 'cosine'?)"));
    assert!(schedule_error("cosine:gama=1").contains("known: min, warmup, warmup_from"));
}

#[test]
fn values_out_of_range_are_refused() {
    for rate in ["0", "-0.1", "nan", "inf", "1e999", "x", ""] {
        let text = format!("sgd:lr={rate}");
        let expected = format!("{text}: lr should be a number above 0, found '{rate}'");
        assert_eq!(optimizer_error(&text), expected);
    }
    assert!(
        optimizer_error("adam:beta1=1")
            .contains("beta1 should be a number from 0 up, but below 1, found '1'")
    );
    assert!(optimizer_error("adam:beta2=-0.1").contains("beta2 should be"));
    assert!(optimizer_error("adam:epsilon=0").contains("epsilon should be a number above 0"));
    assert!(optimizer_error("sgd:momentum=1.5").contains("momentum should be"));
    assert!(optimizer_error("sophia:every=0").contains("every should be a whole number of steps from 1 up"));
    assert!(optimizer_error("adamw:weight_decay=-1").contains("weight_decay should be a number from 0 up"));
}

#[test]
fn malformed_options_are_refused() {
    assert!(optimizer_error("sgd:lr").contains("expected lr=VALUE, found 'lr' alone"));
    assert!(optimizer_error("sgd:momentum=0.9,nesterov=yes").contains("expected 'nesterov' alone"));
    assert!(optimizer_error("sgd:lr=1,lr=2").contains("expected every option once, found 'lr' twice"));
    assert!(optimizer_error("sgd:").contains("expected an option after ':'"));
    assert!(optimizer_error("sgd:lr=1,").contains("expected an option after ':' and after each ','"));
    assert!(optimizer_error("sgd:nesterov").contains("nesterov needs momentum above 0"));
}

#[test]
fn schedules_print_canonically_and_read_back() {
    for (text, canonical) in [
        ("constant", "constant"),
        ("constant:warmup=0.5", "constant:warmup=0.5"),
        ("step:every=30,gamma=0.1", "step:every=30"),
        ("step:at=30/60/90,gamma=0.2,warmup=5", "step:at=30/60/90,gamma=0.2,warmup=5"),
        ("cosine:min=0", "cosine"),
        ("linear:min=0,warmup=0.1", "linear:warmup=0.1"),
        ("exponential:gamma=0.95", "exponential:gamma=0.95"),
        ("cosine:warmup_from=1e-6,warmup=1", "cosine:warmup=1,warmup_from=1e-6"),
    ] {
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.to_string(), canonical);
        assert_eq!(canonical.parse::<Schedule>().unwrap(), schedule);
    }
    let milestones: Schedule = "step:at=1/2".parse().unwrap();
    assert_eq!(*milestones.decay(), Decay::Milestones { epochs: vec![1, 2], gamma: 0.1 });
}

#[test]
fn impossible_schedules_are_refused() {
    assert!(schedule_error("step").contains("step needs one of every=EPOCHS and at=EPOCHS"));
    assert!(schedule_error("step:every=1,at=2").contains("step needs one of"));
    assert!(
        schedule_error("step:every=0")
            .contains("every should be a whole number of epochs from 1 up, found '0'")
    );
    assert!(schedule_error("exponential").contains("exponential needs gamma=FACTOR"));
    assert!(schedule_error("step:at=30/20").contains("increasing numbers of epochs"));
    assert!(schedule_error("step:at=30//40").contains("a whole number of epochs from 1 up, found ''"));
    assert!(schedule_error("constant:warmup_from=0.1").contains("warmup_from needs warmup=EPOCHS"));
    assert!(schedule_error("constant:warmup=0").contains("warmup should be a number above 0"));
    let schedule: Schedule = "cosine:min=0.5".parse().unwrap();
    let error = schedule.check(0.1).unwrap_err().to_string();
    assert_eq!(error, "cosine:min=0.5: min should be at most the base learning rate 0.1, found 0.5");
    let warm: Schedule = "constant:warmup=1,warmup_from=1".parse().unwrap();
    assert!(warm.check(0.1).is_err() && warm.check(1.0).is_ok());
}
