//! The escape corpus as deployed functions of a real server, with the sandbox as it is by default, and without it: see
//! `sandbox-corpus/README.md`.
//!
//! Inside, each case must be held as a Python function, as a shell function, as a program of this machine and as
//! WebAssembly, and the server must serve on with its data unharmed and nothing left running. Outside, each must get what it tried
//! to get, which shows that it is real. Packages that try to get out before they run, by what they name and what their build does, are
//! in `packages`.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod cases;
mod daemon;
#[allow(dead_code, reason = "this test uses a part of it")]
#[path = "../program/harness.rs"]
mod harness;
mod left;
mod packages;
mod setting;
mod verdict;

use std::collections::BTreeMap;

use cases::{Case, Language};
use setting::Setting;
use verdict::{Answer, Verdict};

/// What came of a case, and its words.
type Results = BTreeMap<(String, Language), Answer>;
/// What came of packages that try to get out before they run.
type OfPackages = Vec<(String, bool, Answer)>;

#[test]
fn deployed_functions_are_held_and_the_cases_are_real() {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    let (cases, deployed) = cases::read();
    let setting = Setting::begin(true);
    let has_memory_group = setting.has_memory_group();
    let (inside, packages_inside) = run(&setting, &cases, &deployed);
    drop(setting);
    let (outside, packages_outside) = run(&Setting::begin(false), &cases, &deployed);
    print_matrix(&inside, &outside);
    let is_root = rustix::process::geteuid().is_root();
    let mut wrong = Vec::new();
    for case in cases.iter().chain(&deployed) {
        for language in case.languages() {
            let name = format!("{} in {language}", case.name);
            let held = &inside[&(case.name.clone(), language)];
            // A module meets no sandbox: that its attempt is real is shown by its source as a program of this machine.
            let language = if language == Language::Wasm { Language::Native } else { language };
            let real = &outside[&(case.name.clone(), language)];
            let is_held =
                held.verdict == Verdict::Held || (held.verdict == Verdict::Absent && real.verdict == Verdict::Absent);
            let is_real = match real.verdict {
                Verdict::Escaped | Verdict::Absent => !case.is_held_outside,
                Verdict::Held => case.is_held_outside || (case.needs_root && !is_root),
                Verdict::Broken => false,
            };
            if !is_held && case.needs_memory_group && !has_memory_group {
                println!("{name} cannot be held without a control group for memory, as the status of the server says");
            } else if !is_held {
                wrong.push(format!("{name}, inside: {held}"));
            }
            if !is_real {
                wrong.push(format!("{name}, outside: {real}"));
            }
        }
    }
    for ((name, is_held_outside, held), (_, _, real)) in packages_inside.iter().zip(&packages_outside) {
        println!("package {name}\n    inside:  {held}\n    outside: {real}");
        if held.verdict != Verdict::Held {
            wrong.push(format!("package {name}, inside: {held}"));
        }
        if (real.verdict == Verdict::Held) != *is_held_outside {
            wrong.push(format!("package {name}, outside: {real}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs everything on one server, and looks what is left of it.
fn run(setting: &Setting, cases: &[Case], deployed: &[Case]) -> (Results, OfPackages) {
    let mut results = Results::new();
    for language in [Language::Python, Language::Shell, Language::Native] {
        for case in cases.iter().filter(|case| case.has(language)) {
            results.insert((case.name.clone(), language), setting.run(language, &case.file(language)));
        }
    }
    if setting.is_inside {
        for case in cases.iter().filter(|case| case.has(Language::Wasm)) {
            results.insert((case.name.clone(), Language::Wasm), setting.run_module(&case.name));
        }
    }
    for case in deployed {
        for language in case.languages() {
            let answer = setting.run_deployed(language, &case.file(language));
            setting.expect_alive(&case.name);
            results.insert((case.name.clone(), language), answer);
        }
    }
    let all = packages::all(setting.variable("CORPUS_SERVER_PRIVATE"), setting.variable("CORPUS_OTHER_PACKAGE"));
    let of_packages = all.iter().map(|it| (it.name.to_owned(), it.is_held_outside, it.run(setting))).collect();
    setting.expect_alive("all");
    for (language, token) in setting.end() {
        let key = ("leave-process".to_owned(), language);
        let left = results.get_mut(&key).expect("the corpus has this case");
        *left = daemon::verdict(&token);
    }
    left::end_all(setting.is_inside, setting.server(), setting.stand_in());
    (results, of_packages)
}

fn print_matrix(inside: &Results, outside: &Results) {
    for ((name, language), held) in inside {
        let real = outside.get(&(name.clone(), *language)).map(ToString::to_string).unwrap_or_default();
        println!("{name} in {language}\n    inside:  {held}\n    outside: {real}");
    }
    for (place, results) in [("inside", inside), ("outside", outside)] {
        for language in Language::ALL {
            let count = |verdict: Verdict| {
                let is_such =
                    |(key, answer): &(&(String, Language), &Answer)| key.1 == language && answer.verdict == verdict;
                results.iter().filter(is_such).count()
            };
            let [held, escaped, absent] = [Verdict::Held, Verdict::Escaped, Verdict::Absent].map(count);
            println!("{place}, {language}: {held} held, {escaped} escaped, {absent} absent");
        }
    }
}
