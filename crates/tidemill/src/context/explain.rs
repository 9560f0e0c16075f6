//! What the client could not do, in the words and with the exit codes of the command line.

use tidemill_api::{ErrorCode, Problem, Remark};
use tidemill_client::Error;

use crate::failure::{Exit, Failure, once};

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
    let is_flag = |remark: &Remark| remark.file.is_none() && remark.path.starts_with("--");
    let exit = match problem.status {
        _ if !problem.problems.is_empty() && problem.problems.iter().all(is_flag) => Exit::Usage,
        ..500 => Exit::Fixable,
        _ => Exit::Broken,
    };
    let detail = match problem.problems.as_slice() {
        [] => problem.detail.clone(),
        [only] => remark(only),
        // Each fault is followed by its own hint.
        several => several.iter().map(with_hint).collect::<Vec<_>>().join("\n"),
    };
    let message = once(&detail, problem.output.as_deref().unwrap_or_default());
    let own = if let [only] = problem.problems.as_slice() { only.hint.clone() } else { None };
    Failure { exit, message, hints: own.into_iter().chain(hint(problem)).collect() }
}

/// What helps, in terms of the command line where the server speaks of its API.
fn hint(problem: &Problem) -> Option<String> {
    let hint = problem.hint.as_deref()?;
    let told = match problem.code {
        ErrorCode::NoFunction if hint.contains("/v1/") => "tidemill function list shows the functions there are",
        ErrorCode::NoAlias => "tidemill alias list shows the aliases there are",
        ErrorCode::NoConfig => "tidemill secret list shows the secrets there are",
        ErrorCode::Unauthenticated => {
            "set TIDEMILL_TOKEN to a token of yours; tidemill token make makes one for trying"
        }
        ErrorCode::NotFinished => "--wait 30s waits for its end",
        ErrorCode::NoAddress => "tidemill invoke calls it all the same",
        ErrorCode::Paused => {
            "tidemill function resume ends the pause; meanwhile asynchronous events are still accepted"
        }
        ErrorCode::OriginRefused => {
            "reach the server as 127.0.0.1 or localhost, or name the host in its setting `hosts`"
        }
        _ => hint,
    };
    Some(told.to_owned())
}

fn with_hint(fault: &Remark) -> String {
    match &fault.hint {
        Some(hint) => format!("{}\nhint: {hint}", remark(fault)),
        None => remark(fault),
    }
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
            "error: function.yaml:3: spec.handlr: there is no such key\nhint: did you mean \"handler\"?\nfunction.yaml: no handler\n"
        );
        assert_eq!(failure.exit, Exit::Fixable);
    }

    #[test]
    fn wrong_values_of_flags_are_usage() {
        let mut problem = Problem::new(ErrorCode::BadManifest, "1 problem");
        problem.problems = vec![Remark {
            file: None,
            line: None,
            column: None,
            path: "--runtime".to_owned(),
            message: "there is no runtime \"pyton\"".to_owned(),
            hint: Some("did you mean \"python\"?".to_owned()),
        }];
        let failure = explain(Error::Problem(Box::new(problem)));
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(
            failure.to_string(),
            "error: --runtime: there is no runtime \"pyton\"\nhint: did you mean \"python\"?\n"
        );
    }

    #[test]
    fn hints_speak_of_commands() {
        let problem = |code, hint: &str| {
            explain(Error::Problem(Box::new(Problem::new(code, "it is not there").hint(hint)))).hints
        };
        let shown = problem(ErrorCode::NoFunction, "GET /v1/functions lists the functions there are");
        assert_eq!(shown, ["tidemill function list shows the functions there are"]);
        assert_eq!(problem(ErrorCode::NoFunction, "did you mean \"hello\"?"), ["did you mean \"hello\"?"]);
        let shown = problem(ErrorCode::NoAlias, "GET /v1/aliases lists those there are");
        assert_eq!(shown, ["tidemill alias list shows the aliases there are"]);
        assert_eq!(problem(ErrorCode::NotFinished, "?wait=30s waits for it"), ["--wait 30s waits for its end"]);
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
