package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is one measurement: value is what counts, samples what it was made from.
type result struct {
	Name    string    `json:"name"`
	Value   float64   `json:"value"`
	Unit    string    `json:"unit"`
	Samples []float64 `json:"samples"`
}

// merge puts the new results into the file, in place of earlier ones of the same name.
func merge(path string, results []result) ([]result, error) {
	var all []result
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("earlier results: %w", err)
	}
	all = slices.DeleteFunc(all, func(old result) bool {
		return slices.ContainsFunc(results, func(r result) bool { return r.Name == old.Name })
	})
	all = append(all, results...)
	slices.SortFunc(all, func(a, b result) int { return strings.Compare(a.Name, b.Name) })
	if b, err = json.MarshalIndent(all, "", "  "); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return all, os.WriteFile(path, append(b, '\n'), 0o644)
}

// goals are what the project wants of some of the results: at least where min is set, at most where max is, just that
// where both are the same.
var goals = map[string]struct{ min, max float64 }{
	"task_throughput_vs_runc":       {min: 4},
	"ctr_run_vs_runc":               {max: 0.5},
	"runner_first_instruction_ms":   {max: 6},
	"runner_pss_mb":                 {max: 2},
	"shim_pss_mb":                   {max: 12},
	"cycle_leaks":                   {max: 0.5},
	"exec_warm_ms":                  {max: 25},
	"component_host_call_ns":        {max: 120},
	"component_instantiate_us":      {max: 100},
	"component_tcp_vs_native":       {min: 0.5},
	"component_file_vs_cat":         {min: 0.8},
	"second_start_30mb_ms":          {max: 60},
	"first_start_compiles":          {min: 1, max: 1},
	"http_rps_vs_native_go":         {min: 0.25},
	"http_rps_vs_wasmtime_serve":    {min: 1.2},
	"http_p99_vs_wasmtime_serve":    {max: 1},
	"http_memory_growth_mb":         {max: 5},
	"http_drain_failures":           {max: 0.5},
	"pod_start_vs_runc":             {max: 0.5},
	"pod_start_sandbox_api_vs_runc": {max: 0.5},
	"pss_pod_mb":                    {max: 8},
	"pss_shared_mb":                 {max: 2.5},
	"live_containers":               {min: 1000},
	"shim_peak_growth_30mb_mb":      {max: 3}, // a tenth of the module
}

// table prints results for people.
func table(w io.Writer, results []result) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "name\tvalue\tunit\tgoal\tsamples\tlowest\thighest")
	for _, r := range results {
		goal := ""
		switch g, ok := goals[r.Name]; {
		case !ok:
		case g.min == g.max && r.Value == g.min:
			goal = fmt.Sprintf("met (= %g)", g.min)
		case g.min == g.max:
			goal = fmt.Sprintf("MISSED (= %g)", g.min)
		case g.min > 0 && r.Value >= g.min:
			goal = fmt.Sprintf("met (>= %g)", g.min)
		case g.min > 0:
			goal = fmt.Sprintf("MISSED (>= %g)", g.min)
		case r.Value <= g.max:
			goal = fmt.Sprintf("met (<= %g)", g.max)
		default:
			goal = fmt.Sprintf("MISSED (<= %g)", g.max)
		}
		low, high := r.Value, r.Value
		if len(r.Samples) > 0 {
			low, high = slices.Min(r.Samples), slices.Max(r.Samples)
		}
		fmt.Fprintf(out, "%s\t%.3g\t%s\t%s\t%d\t%.3g\t%.3g\n", r.Name, r.Value, r.Unit, goal, len(r.Samples), low, high)
	}
	return out.Flush()
}

// median of samples; it does not change them.
func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
