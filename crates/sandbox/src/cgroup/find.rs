//! Where this process's groups are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The folders of this process's own groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Of controllers with a tree of their own, by their names.
    pub separate: BTreeMap<String, PathBuf>,
    /// In the tree of all controllers.
    pub unified: Option<PathBuf>,
}

/// Reads `/proc/self/mountinfo` and `/proc/self/cgroup`.
pub(super) fn find(mountinfo: &str, cgroup: &str) -> Found {
    let mut found = Found::default();
    for line in mountinfo.lines() {
        let Some(tree) = Tree::of(line) else { continue };
        for own in cgroup.lines() {
            // Number, controllers separated by commas (none: the tree of all), path.
            let mut fields = own.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            if tree.controllers.is_empty() && controllers.is_empty() {
                found.unified = tree.folder(path);
            }
            for controller in tree.controllers.iter().filter(|it| controllers.split(',').any(|own| own == **it)) {
                found.separate.extend(tree.folder(path).map(|folder| ((*controller).to_owned(), folder)));
            }
        }
    }
    found
}

struct Tree<'a> {
    /// Which group the mount shows at its top.
    top: &'a str,
    place: &'a str,
    /// None for the tree of all.
    controllers: Vec<&'a str>,
}

impl<'a> Tree<'a> {
    /// Reads a line of `mountinfo`: id, parent, device, top, place, options, further fields, `-`, type, source, options.
    fn of(line: &'a str) -> Option<Tree<'a>> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (top, place) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let controllers = match system.next()? {
            "cgroup2" => Vec::new(),
            "cgroup" => system.nth(1)?.split(',').filter(|option| !option.contains('=') && *option != "rw").collect(),
            _ => return None,
        };
        Some(Tree { top, place, controllers })
    }

    fn folder(&self, path: &str) -> Option<PathBuf> {
        let below = Path::new(path).strip_prefix(self.top).ok()?;
        Some(Path::new(self.place).join(below))
    }
}
