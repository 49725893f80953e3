package binary

// Limits keep a small hostile file from costing much. They lie far above what compilers produce: a WASI 0.2 command that imports eleven
// interfaces (component/testdata) has 221 definitions and declarators, one level deep.
const (
	maxDepth       = 100       // components in components, or types in types
	maxDefinitions = 1_000_000 // in the whole file, including declarators
	maxModules     = 1_000     // core modules and components in the whole file
	maxElements    = 10_000    // fields, cases, labels, parameters, arguments or options of one definition
	maxValueSize   = 1 << 20   // bytes of one value definition
)
