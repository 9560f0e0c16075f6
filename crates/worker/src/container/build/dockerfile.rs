//! Lines of a Dockerfile.

/// A Dockerfile in the making. Values are written as JSON where the format allows it, so that nothing in them is a command.
#[derive(Clone, Debug, Default)]
pub(super) struct Dockerfile {
    lines: Vec<String>,
}

impl Dockerfile {
    /// Begins with an image.
    pub fn from(image: &str) -> Dockerfile {
        Dockerfile { lines: vec![format!("FROM {image}")] }
    }

    /// The user of what follows; empty leaves it.
    pub fn user(&mut self, user: &str) -> &mut Dockerfile {
        if !user.is_empty() {
            self.lines.push(format!("USER {user}"));
        }
        self
    }

    /// The working folder of what follows.
    pub fn workdir(&mut self, folder: &str) -> &mut Dockerfile {
        self.lines.push(format!("WORKDIR {folder}"));
        self
    }

    /// Copies from the context.
    pub fn copy(&mut self, from: &str, to: &str) -> &mut Dockerfile {
        self.list("COPY", &[from, to])
    }

    /// Runs a program.
    pub fn run(&mut self, words: &[&str]) -> &mut Dockerfile {
        self.list("RUN", words)
    }

    /// Sets a variable.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Dockerfile {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        self.lines.push(format!("ENV {name}=\"{value}\""));
        self
    }

    /// What the container runs.
    pub fn entrypoint(&mut self, words: &[&str]) -> &mut Dockerfile {
        self.list("ENTRYPOINT", words).list("CMD", &[])
    }

    fn list(&mut self, instruction: &str, words: &[&str]) -> &mut Dockerfile {
        let words = serde_json::to_string(words).expect("texts serialise");
        self.lines.push(format!("{instruction} {words}"));
        self
    }

    /// Its text.
    pub fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_one_instruction_each() {
        let mut file = Dockerfile::from("alpine:3.20");
        file.user("0").workdir("/opt").copy("a b", "/x/").run(&["/bin/sh", "-c", "echo \"1\"\necho 2"]);
        file.env("A", "x\"$y\\").user("").entrypoint(&["python3", "-m", "tidemill_worker"]);
        assert_eq!(
            file.text(),
            r#"FROM alpine:3.20
USER 0
WORKDIR /opt
COPY ["a b","/x/"]
RUN ["/bin/sh","-c","echo \"1\"\necho 2"]
ENV A="x\"\$y\\"
ENTRYPOINT ["python3","-m","tidemill_worker"]
CMD []
"#
        );
    }
}
