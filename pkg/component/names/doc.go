// Package names knows the grammar of the names in components: labels, the plain and interface names of imports and exports, their
// uniqueness, and the versions in them.
//
//	plain name      get-JSON  [constructor]blob  [method]blob.read  [static]blob.merge
//	interface name  wasi:http/types@0.2.6
//	                namespace:package/interface@version
//
// The grammar is in the section "Import and Export Definitions" of design/mvp/Explainer.md of the component-model repository, versions
// are those of semver.org 2.0.0.
package names
