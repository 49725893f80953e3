package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wasmgo/pkg/observe"
	"wasmgo/pkg/settings"
)

// scrapeTimeout bounds what a client of the figures takes.
const scrapeTimeout = 30 * time.Second

func newMetrics(s *common) *cobra.Command {
	var dir, listen string
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Print the figures of all shims of this host, added up, or serve them to Prometheus",
		Long: `Print the figures of all shims of this host, added up, as Prometheus reads them: calls and how long they took, containers, modules that were
compiled or found compiled. Shims have figures when the setting metrics names a directory for their sockets; those of shims that have ended
are kept there too. With --listen they are served over HTTP, at any path, until the command is interrupted.`,
		Example: "  metrics\n  metrics --listen 127.0.0.1:9464\n  metrics --listen unix:///run/wasmgo/metrics.sock",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				dir = s.metrics
			}
			if dir == "" {
				return errors.New("shims have no figures: the setting metrics is not set (metrics = \"/run/wasmgo/metrics\" in " + settings.ConfigPath + ")")
			}
			if listen != "" {
				return serveMetrics(cmd.Context(), cmd.ErrOrStderr(), dir, listen)
			}
			page, err := observe.Gather(cmd.Context(), dir)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), page)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the directory of the sockets, in place of what the settings say")
	cmd.Flags().StringVar(&listen, "listen", "", "serve them at this address, HOST:PORT or unix:///PATH")
	return cmd
}

// serveMetrics serves the sum of the shims' figures until ctx ends.
func serveMetrics(ctx context.Context, out io.Writer, dir, address string) error {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		network, address = "unix", path
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	web := &http.Server{ReadTimeout: scrapeTimeout, WriteTimeout: scrapeTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, err := observe.Gather(r.Context(), dir)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = io.WriteString(w, page) // the client that has gone needs nothing
	})}
	fmt.Fprintf(out, "figures at %s\n", l.Addr())
	stop := context.AfterFunc(ctx, func() { _ = web.Close() })
	defer stop()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
