//! Every seed, and every input that ever failed, once.

use tidemill_fuzz::{ALL, attempt, corpus};

#[test]
fn every_kept_input_holds() {
    let mut failures = Vec::new();
    for target in ALL {
        let seeds = corpus::seeds(target).expect("the corpus can be read");
        let regressions = corpus::regressions(target).expect("the regressions can be read");
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (name, input) in seeds.iter().chain(&regressions) {
            if let Err(what) = attempt::check(target, input) {
                failures.push(format!("{}: {name}: {what}", target.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_folder_of_inputs_belongs_to_a_target() {
    for folder in ["corpus", "regressions"] {
        for entry in std::fs::read_dir(corpus::home().join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(!entry.path().is_dir() || tidemill_fuzz::find(&name).is_some(), "{folder}/{name} is of no target");
        }
    }
}
