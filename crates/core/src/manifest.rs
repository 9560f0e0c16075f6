//! Reading `function.yaml`.
