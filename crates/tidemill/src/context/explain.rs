//! What the client could not do, in the words and with the exit codes of the command line.

use tidemill_api::{Problem, Remark};
use tidemill_client::Error;

use crate::failure::{Exit, Failure};

/// The failure that `error` is.
pub fn explain(error: Error) -> Failure {
    match error {
        Error::Problem(problem) => from_problem(&problem),
        Error::Url { .. } => told(Exit::Usage, &error.to_string()),
        Error::Unreachable { .. } | Error::Request(_) => told(Exit::Fixable, &error.to_string()),
        Error::Broken { .. } | Error::Unexpected { .. } => told(Exit::Broken, &error.to_string()),
    }
}

/// A message whose further lines are hints.
fn told(exit: Exit, text: &str) -> Failure {
    let (hints, message): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("hint: "));
    let hints = hints.into_iter().map(|hint| hint.trim_start_matches("hint: ").to_owned()).collect();
    Failure { exit, message: message.join("\n"), hints }
}

/// The failure that a problem document tells: what the client did wrong can be fixed, what the server cannot do cannot.
fn from_problem(problem: &Problem) -> Failure {
    let mut message = if problem.problems.is_empty() {
        problem.detail.clone()
    } else {
        problem.problems.iter().map(remark).collect::<Vec<_>>().join("\n")
    };
    if let Some(output) = problem.output.as_deref().filter(|output| !message.contains(output.trim())) {
        message = format!("{message}\n{}", output.trim_end());
    }
    let exit = if problem.status < 500 { Exit::Fixable } else { Exit::Broken };
    let hints = problem.problems.iter().filter_map(|remark| remark.hint.clone()).chain(problem.hint.clone());
    let mut hints: Vec<String> = hints.collect();
    hints.dedup();
    Failure { exit, message, hints }
}

fn remark(remark: &Remark) -> String {
    let place = match (&remark.file, remark.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        (None, _) => String::new(),
    };
    let path = if remark.path.is_empty() { String::new() } else { format!("{}: ", remark.path) };
    format!("{place}{path}{}", remark.message)
}

#[cfg(test)]
mod tests {
    use tidemill_api::ErrorCode;

    use super::*;

    #[test]
    fn faults_of_a_manifest_have_their_places() {
        let mut problem = Problem::new(ErrorCode::BadManifest, "2 problems");
        let fault = |line, path: &str, message: &str, hint: Option<&str>| Remark {
            file: Some("function.yaml".to_owned()),
            line,
            column: None,
            path: path.to_owned(),
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        };
        problem.problems = vec![
            fault(Some(3), "spec.handlr", "there is no such key", Some("did you mean \"handler\"?")),
            fault(None, "", "no handler", None),
        ];
        let failure = explain(Error::Problem(Box::new(problem)));
        assert_eq!(
            failure.to_string(),
            "error: function.yaml:3: spec.handlr: there is no such key\nfunction.yaml: no handler\nhint: did you mean \"handler\"?\n"
        );
        assert_eq!(failure.exit, Exit::Fixable);
    }

    #[test]
    fn what_an_install_printed_is_shown() {
        let mut problem = Problem::new(ErrorCode::BuildFailed, "pip install failed: exit status 1");
        problem.output = Some("ERROR: no such package\n".to_owned());
        let failure = explain(Error::Problem(Box::new(problem)));
        assert_eq!(failure.to_string(), "error: pip install failed: exit status 1\nERROR: no such package\n");
    }

    #[test]
    fn faults_of_the_server_are_2() {
        let failure = explain(Error::Problem(Box::new(Problem::new(ErrorCode::StoreFull, "no space is left"))));
        assert_eq!(failure.exit, Exit::Broken);
    }
}
