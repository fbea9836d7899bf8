//! The simulator itself: the same seed gives the same trace, and other seeds give others.

use domesday_simulation::{Options, Outcome, Simulator};

fn simulate(simulator: &Simulator, seed: u64) -> Outcome {
    let options = Options { seed, nights: 12, keeps_trace: true, dump: None };
    simulator.simulate(options, &std::env::temp_dir()).expect("the simulation runs")
}

#[test]
fn the_same_seed_gives_the_same_nights() {
    let simulator = Simulator::new().unwrap();
    let (first, second, other) = (simulate(&simulator, 7), simulate(&simulator, 7), simulate(&simulator, 8));
    for (line, (first, second)) in first.trace.iter().zip(&second.trace).enumerate() {
        assert_eq!(first, second, "line {line}");
    }
    assert_eq!(first.digest, second.digest);
    assert_ne!(first.digest, other.digest);
    assert_eq!(first.statistics, second.statistics);
}

#[test]
fn nights_are_delivered_and_something_fails_in_some() {
    let simulator = Simulator::new().unwrap();
    let outcome = simulate(&simulator, 1);
    assert_eq!(outcome.violation, None);
    let statistics = outcome.statistics;
    assert!(statistics.deliveries >= 5 && statistics.reads > 100, "{statistics:?}");
    assert!(statistics.calm_nights < statistics.nights, "{statistics:?}");
}
