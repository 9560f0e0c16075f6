//! Which parameters of a request's query become variables of a container, as they do for Abaco's actors. Pure.
//!
//! Whoever may send a message chooses them, and often that is anybody. So none of them takes a name that belongs to
//! Tidemill, or one that decides what the programs in the container load, run or trust. Names are compared with their case, as
//! programs do: `?path=` is a variable, `?PATH=` is not.

use tidemill_core::spec::FunctionSpec;

/// Names that a query cannot set, `*` at the end for all that begin so.
const RESERVED: &[(&[&str], &str)] = &[
    (&["message", "x-nonce"], "the message itself, and a credential"),
    (&["MSG", "_abaco_*", "_actor_configs", "Time_msg_queued", "TIDEMILL_*"], "what Tidemill says of the execution"),
    (&["LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_*"], "the loader and the C library"),
    (&["PATH", "HOME", "SHELL", "TMPDIR", "XDG_*"], "where programs and their settings are looked for"),
    (&["HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN"], "whom a name of a host leads to"),
    (&["ENV", "IFS", "PS4", "CDPATH", "GLOBIGNORE", "PROMPT_COMMAND"], "how shells read and run text"),
    (&["BASH_*", "BASHOPTS", "SHELLOPTS", "ZDOTDIR", "FPATH"], "files and functions that shells begin with"),
    (&["PYTHON*"], "modules and start-up code of Python"),
    (&["NODE_*", "NPM_*", "npm_*"], "options and modules of Node.js"),
    (&["PERL*"], "options and modules of Perl"),
    (&["RUBY*", "GEM_*", "BUNDLE_*"], "options and modules of Ruby"),
    (&["JAVA_*", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"], "options and classes of Java"),
    (&["DOTNET_*", "CORECLR_*", "COMPlus_*"], "options and profilers of .NET"),
    (&["PHPRC", "PHP_INI_SCAN_DIR", "LUA_*", "ERL_*", "JULIA_*", "R_*"], "start-up code of other languages"),
    (&["OPENSSL_*", "SSL_*", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "CURL_*"], "whom TLS trusts"),
    (&["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"], "whom requests go through"),
    (&["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"], "the same in capitals"),
    (&["GIT_*", "EDITOR", "VISUAL", "PAGER", "LESSOPEN", "LESSCLOSE", "BROWSER"], "commands that programs call"),
];

/// The parameter that Abaco's containers are to see though it has a name of ours.
const SEEN: &str = "_abaco_synchronous";

/// The parameters of `query` that become variables of a container of `spec`, decoded: those of Abaco's actors alone.
pub(super) fn parameters<'a>(spec: &FunctionSpec, query: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
    let query = if is_actor(spec) { query } else { "" };
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(name, _)| !is_reserved(name)).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// Whether the function is one of Abaco's actors.
pub(super) fn is_actor(spec: &FunctionSpec) -> bool {
    spec.labels.get("abaco").is_some_and(|kind| kind == "actor")
}

fn is_reserved(name: &str) -> bool {
    let matches = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    };
    name != SEEN && RESERVED.iter().any(|(patterns, _)| patterns.iter().any(&matches))
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::Runtime;

    use super::*;

    fn names(kind: Option<&str>, query: &str) -> Vec<(String, String)> {
        let mut spec = FunctionSpec::new(Runtime::Image);
        spec.labels.extend(kind.map(|kind| ("abaco".to_owned(), kind.to_owned())));
        parameters(&spec, query).collect()
    }

    #[test]
    fn ordinary_parameters_of_actors_are_variables() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("B", "a b&é"),
            pair("c", ""),
            pair("path", "/x"),
            pair("%zz", "\u{fffd}"),
            pair("_abaco_synchronous", "1"),
        ];
        let query = "B=a+b%26%C3%A9&c&&path=/x&%zz=%ff&_abaco_synchronous=1";
        assert_eq!(names(Some("actor"), query), expected);
        for other in [None, Some("webhook")] {
            assert_eq!(names(other, query), []);
        }
    }

    #[test]
    fn no_reserved_name_is_set() {
        for (patterns, reason) in RESERVED {
            for pattern in *patterns {
                let name = pattern.replace('*', "x");
                assert_eq!(names(Some("actor"), &format!("{name}=1")), [], "{reason}");
                let escaped: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
                assert_eq!(names(Some("actor"), &format!("{escaped}=1")), [], "{reason}");
            }
        }
        for name in
            ["BASH_ENV", "BASH_FUNC_ls%25%25", "LD_PRELOAD", "NODE_OPTIONS", "PERL5OPT", "PYTHONSTARTUP", "RUBYOPT"]
        {
            assert_eq!(names(Some("actor"), &format!("{name}=1")), [], "{name}");
        }
    }
}
