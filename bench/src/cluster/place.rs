//! Where an object is, as the path of a request says it.

/// What a cluster here has; kinds of other groups it lacks.
const GROUPS: [&str; 9] = [
    "/api/v1/",
    "/apis/apps/v1/",
    "/apis/batch/v1/",
    "/apis/autoscaling/v2/",
    "/apis/networking.k8s.io/v1/",
    "/apis/policy/v1/",
    "/apis/rbac.authorization.k8s.io/v1/",
    "/apis/tsuru.io/v1/",
    "/apis/apiextensions.k8s.io/v1/",
];
const NAMESPACES: &str = "namespaces";

/// A kind, perhaps of one namespace, perhaps one object of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Where all objects of the kind are listed: `/apis/apps/v1/deployments`.
    pub kind: String,
    /// The namespace; empty: all, or none.
    pub namespace: String,
    /// The object; empty: all of them.
    pub name: String,
}

impl Place {
    /// Reads a path; `None` for a kind that is not there.
    pub fn read(path: &str) -> Option<Self> {
        let group = GROUPS.iter().find(|group| path.starts_with(*group))?;
        let words: Vec<&str> = path.strip_prefix(group)?.split('/').collect();
        let (namespace, kind, name) = match words.as_slice() {
            [NAMESPACES, namespace, kind] => (*namespace, *kind, ""),
            [NAMESPACES, namespace, kind, name] => (*namespace, *kind, *name),
            [kind] => ("", *kind, ""),
            [kind, name] => ("", *kind, *name),
            _ => return None,
        };
        Some(Self { kind: format!("{group}{kind}"), namespace: namespace.into(), name: name.into() })
    }

    /// Another object beside it.
    pub fn beside(&self, kind: &str, name: &str) -> Self {
        Self { kind: kind.into(), namespace: self.namespace.clone(), name: name.into() }
    }

    /// It is this one, or among these.
    pub fn holds(&self, other: &Self) -> bool {
        let fits = |own: &str, other: &str| own.is_empty() || own == other;
        self.kind == other.kind && fits(&self.namespace, &other.namespace) && fits(&self.name, &other.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_places() {
        let read = |path: &str| Place::read(path).map(|place| [place.kind, place.namespace, place.name].join(" "));
        assert_eq!(read("/api/v1/namespaces/a/pods/b").as_deref(), Some("/api/v1/pods a b"));
        assert_eq!(read("/api/v1/namespaces/a").as_deref(), Some("/api/v1/namespaces  a"));
        assert_eq!(read("/apis/apps/v1/deployments").as_deref(), Some("/apis/apps/v1/deployments  "));
        assert_eq!(read("/apis/keda.sh/v1alpha1/scaledobjects"), None);
    }
}
