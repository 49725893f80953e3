package cgroup

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	stats1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	stats2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"google.golang.org/protobuf/proto"
)

// The texts are the kernel's own, of Linux 6.18 (v1) and 6.1 (v2), shortened to a few lines; rdma is from
// Documentation/admin-guide/cgroup-v2.rst.
const (
	memoryStatV1  = "cache 1048576\nrss 8192\nrss_huge 0\nhierarchical_memory_limit 67108864\nhierarchical_memsw_limit 9223372036854771712\ntotal_inactive_file 1048576\n"
	memoryEvents2 = "low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\noom_group_kill 0\n"
	usagePercpu   = "104857600 2097152 \n"
	blkioV1Text   = "254:0 Read 1282048\n254:0 Write 2195456\n254:0 Sync 3477504\n254:0 Async 0\n254:0 Discard 0\n254:0 Total 3477504\nTotal 3477504\n"
	blkioTime     = "8:0 35\n8:16 7\n"
	ioStat        = "254:0 rbytes=1282048 wbytes=2195456 rios=124 wios=104 dbytes=0 dios=0\n8:16 \n7:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.vrate=100.00 cost.usage=7\n"
	pressureText  = "some avg10=1.53 avg60=0.87 avg300=0.22 total=1014592\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=97021\n"
	rdmaText      = "mlx4_0 hca_handle=2 hca_object=2000\nocrdma1 hca_handle=3 hca_object=max\n"
)

func TestParseKeyed(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       map[string]uint64
		fails      bool
	}{
		{name: "v1's memory.stat", text: memoryStatV1, want: map[string]uint64{
			"cache": 1048576, "rss": 8192, "rss_huge": 0, "hierarchical_memory_limit": 67108864, "hierarchical_memsw_limit": 9223372036854771712, "total_inactive_file": 1048576,
		}},
		{name: "v2's memory.events", text: memoryEvents2, want: map[string]uint64{"low": 0, "high": 0, "max": 31, "oom": 1, "oom_kill": 1, "oom_group_kill": 0}},
		{name: "no text", text: "", want: map[string]uint64{}},
		{name: "no limit", text: "max max\n", want: map[string]uint64{"max": math.MaxUint64}},
		{name: "a name alone", text: "cache\n", fails: true},
		{name: "a word for a number", text: "cache many\n", fails: true},
		{name: "three words", text: "cache 1 2\n", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseKeyed(test.text)
			same(t, got, test.want, err, test.fails)
		})
	}
}

func TestParseNumbers(t *testing.T) {
	got, err := parseNumbers(usagePercpu)
	same(t, got, []uint64{104857600, 2097152}, err, false)
	_, err = parseNumbers("1 x\n")
	same(t, nil, []uint64(nil), err, true)
}

func TestParseBlkio(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []*stats1.BlkIOEntry
		fails      bool
	}{
		{name: "operations", text: blkioV1Text, want: []*stats1.BlkIOEntry{
			{Major: 254, Op: "Read", Value: 1282048},
			{Major: 254, Op: "Write", Value: 2195456},
			{Major: 254, Op: "Sync", Value: 3477504},
			{Major: 254, Op: "Async"},
			{Major: 254, Op: "Discard"},
			{Major: 254, Op: "Total", Value: 3477504},
		}},
		{name: "time without operations", text: blkioTime, want: []*stats1.BlkIOEntry{{Major: 8, Value: 35}, {Major: 8, Minor: 16, Value: 7}}},
		{name: "nothing was ever done", text: "Total 0\n"},
		{name: "a device alone", text: "8:0\n", fails: true},
		{name: "no device", text: "sda Read 1\n", fails: true},
		{name: "a word for a number", text: "8:0 Read many\n", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseBlkio(test.text)
			same(t, got, test.want, err, test.fails)
		})
	}
}

func TestParseIO(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []*stats2.IOEntry
		fails      bool
	}{
		{name: "devices, one without counters and one with others", text: ioStat, want: []*stats2.IOEntry{
			{Major: 254, Rbytes: 1282048, Wbytes: 2195456, Rios: 124, Wios: 104},
			{Major: 7, Rbytes: 4096, Rios: 1},
		}},
		{name: "no device", text: "sda rbytes=1\n", fails: true},
		{name: "a word for a number", text: "8:0 rbytes=many\n", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseIO(test.text)
			same(t, got, test.want, err, test.fails)
		})
	}
}

func TestParsePressure(t *testing.T) {
	got, err := parsePressure(pressureText)
	want := &stats2.PSIStats{Some: &stats2.PSIData{Avg10: 1.53, Avg60: 0.87, Avg300: 0.22, Total: 1014592}, Full: &stats2.PSIData{Total: 97021}}
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("parsePressure = %v, %v, want %v", got, err, want)
	}
	_, err = parsePressure("some avg10=high\n")
	same(t, nil, (*stats2.PSIStats)(nil), err, true)
}

func TestParseRdma(t *testing.T) {
	got, err := parseRdma(rdmaText)
	same(t, got, []rdma{{"mlx4_0", 2, 2000}, {"ocrdma1", 3, math.MaxUint32}}, err, false)
	_, err = parseRdma("mlx4_0 hca_handle=-1\n")
	same(t, nil, []rdma(nil), err, true)
}

func TestParseBandwidth(t *testing.T) {
	for _, test := range []struct {
		name, text string
		quota      int64
		period     uint64
		fails      bool
	}{
		{name: "no limit", text: "max 100000\n", quota: -1, period: 100000},
		{name: "a limit", text: "50000 200000\n", quota: 50000, period: 200000},
		{name: "one number", text: "50000\n", fails: true},
		{name: "words", text: "some time\n", fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			quota, period, err := parseBandwidth(test.text)
			if quota != test.quota && !test.fails || period != test.period || (err != nil) != test.fails {
				t.Errorf("parseBandwidth(%q) = %d, %d, %v", test.text, quota, period, err)
			}
		})
	}
}

// same compares what a parser returned; got is not looked at when it is to fail.
func same(t *testing.T, got, want any, err error, fails bool) {
	t.Helper()
	if (err != nil) != fails {
		t.Errorf("error %v, want one: %v", err, fails)
	}
	if !fails && !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzFiles feeds one text to every parser: none may panic, and what has been read must not depend on being read twice.
func FuzzFiles(f *testing.F) {
	for _, text := range []string{memoryStatV1, memoryEvents2, usagePercpu, blkioV1Text, blkioTime, ioStat, pressureText, rdmaText, "max 100000\n", "50000 100000\n", "", "\n", "a", ":", "8:", "8:0 =", " = = ="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if values, err := parseKeyed(text); err == nil {
			again, err := parseKeyed(text)
			if err != nil || !reflect.DeepEqual(values, again) {
				t.Errorf("parseKeyed: %v, then %v (%v)", values, again, err)
			}
		}
		if entries, err := parseBlkio(text); err == nil {
			for _, e := range entries {
				if e.Major > math.MaxUint32 || e.Minor > math.MaxUint32 {
					t.Errorf("parseBlkio: device %d:%d", e.Major, e.Minor)
				}
			}
		}
		if entries, err := parseIO(text); err == nil {
			for _, e := range entries {
				if e.Major > math.MaxUint32 || e.Minor > math.MaxUint32 {
					t.Errorf("parseIO: device %d:%d", e.Major, e.Minor)
				}
			}
		}
		if quota, _, err := parseBandwidth(text); err == nil && quota == -1 && text == "" {
			t.Error("parseBandwidth: a limit from no text")
		}
		_, _ = parseNumbers(text)
		_, _ = parsePressure(text)
		_, _ = parseRdma(text)
	})
}

// TestAGroupThatGoesWhileItIsReadIsGone reads a file that was opened before its group was removed.
func TestAGroupThatGoesWhileItIsReadIsGone(t *testing.T) {
	g := newGroup(t, nil)
	f, err := os.Open(filepath.Join(g.dirs()[0], "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := g.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(f); !errors.Is(orGone(err), fs.ErrNotExist) {
		t.Errorf("the kernel answers %v, which is %v", err, orGone(err))
	}
}
