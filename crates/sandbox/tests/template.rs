//! Launchers that are copies of one that waits.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, os::fd::AsFd, time::Duration};

use tidemill_sandbox::{Opening, Template, Users, start_copy};

mod support;

use support::{launcher, plan};

fn say(template: &mut Template, word: &str) -> String {
    let plan = plan(&["/bin/sh", "-c", &format!("echo {word} $PPID")]);
    let running = start_copy(template, plan, Users::new().unwrap().next(), None).unwrap();
    let (status, out, _) = running.wait().unwrap();
    assert!(status.success(), "{status}: {out}");
    out
}

#[test]
fn copies_run_programs_and_are_children_of_this_process() {
    let mut template = Template::new(launcher());
    for word in ["one", "two", "three"] {
        assert!(say(&mut template, word).starts_with(&format!("{word} 1\n")));
    }
    let plan = plan(&["/bin/sh", "-c", "exit 7"]);
    let running = start_copy(&mut template, plan, Users::new().unwrap().next(), None).unwrap();
    assert_eq!(running.wait().unwrap().0.code(), Some(7));
}

#[test]
fn programs_find_what_they_are_handed_from_3_on() {
    for handed in 0..=4u8 {
        let mut template = Template::new(launcher());
        let plan = plan(&["/bin/sh", "-c", "for it in 3 4 5 6; do cat <&$it || echo none; done 2>/dev/null"]);
        let (opening, end) = Opening::new(plan).unwrap();
        let (output, output_end) = std::io::pipe().unwrap();
        let nothing = fs::File::open("/dev/null").unwrap();
        let home = tempfile::tempdir().unwrap();
        let file = |number: u8| {
            let path = home.path().join(number.to_string());
            fs::write(&path, format!("file {number}\n")).unwrap();
            fs::File::open(path).unwrap()
        };
        let files: Vec<fs::File> = (0..handed).map(file).collect();
        let mut descriptors = vec![nothing.as_fd(), output_end.as_fd(), nothing.as_fd()];
        descriptors.extend(files.iter().map(AsFd::as_fd));
        descriptors.push(end.as_fd());
        let copy = template.copy(&descriptors).unwrap();
        drop((output_end, end));
        let inside = opening.finish(copy, Users::new().unwrap().next(), None).unwrap();
        let text = std::io::read_to_string(output).unwrap();
        let expected = (0..4).map(|it| if it < handed { format!("file {it}\n") } else { "none\n".to_owned() });
        assert_eq!(text, expected.collect::<String>());
        drop(inside);
        rustix::process::waitpid(Some(copy), rustix::process::WaitOptions::empty()).unwrap();
    }
}

#[test]
fn one_that_has_ended_is_replaced() {
    let mut template = Template::new(launcher());
    template.start().unwrap();
    let first = template.process().unwrap();
    rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap();
    assert!(say(&mut template, "again").starts_with("again 1\n"));
    assert_ne!(template.process(), Some(first));
}

#[test]
fn it_ends_with_its_owner_and_its_copies_stay() {
    let mut template = Template::new(launcher());
    let plan = plan(&["/bin/sh", "-c", "sleep 0.2; echo stayed"]);
    let running = start_copy(&mut template, plan, Users::new().unwrap().next(), None).unwrap();
    let process = template.process().unwrap();
    drop(template);
    let path = format!("/proc/{}", process.as_raw_nonzero());
    assert!(fs::metadata(path).is_err());
    assert_eq!(running.wait().unwrap().1, "stayed\n");
}

#[test]
fn a_program_that_is_no_launcher_is_an_error() {
    let mut template = Template::new(tidemill_sandbox::Launcher::at("/bin/false"));
    let refused = start_copy(&mut template, plan(&["/bin/true"]), Users::new().unwrap().next(), None).unwrap_err();
    assert_eq!(refused.step, "start the launcher");
}

#[test]
fn what_is_killed_takes_its_program_along() {
    let mut template = Template::new(launcher());
    let mut plan = plan(&["/bin/sleep", "600"]);
    // Where there is no pid namespace, the kernel does not end it with init.
    plan.parts.processes = false;
    let running = start_copy(&mut template, plan, Users::new().unwrap().next(), None).unwrap();
    let program = format!("/proc/{}", running.inside().program().as_raw_nonzero());
    assert!(fs::metadata(&program).is_ok());
    drop(running);
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while fs::metadata(&program).is_ok() {
        assert!(std::time::Instant::now() < end, "it outlives its launcher");
        std::thread::yield_now();
    }
}
