package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/entragate/entragate/cmd/entragate/internal/background"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/control"
	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/entra"
)

func (a *app) clockCommand() *cobra.Command {
	var advance time.Duration
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Tell the time in the sandbox, or move it forward",
		Long: `The clouds go by a clock of their own, which can be moved forward and never back.
What is due on the way is done at its time: secrets are rotated, schedules run,
alarms are raised, credentials end.

  entragate sandbox clock --advance 2160h   # 90 days`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.clock(cmd.Context(), advance) },
	}
	cmd.Flags().DurationVar(&advance, "advance", 0, "how far to move it, such as 2160h")
	return cmd
}

func (a *app) clock(ctx context.Context, advance time.Duration) error {
	if advance < 0 {
		return usageError{fmt.Errorf("--advance: got %s, want none below 0s: the clock never goes back", advance)}
	}
	dir, err := a.sandboxFolder()
	if err != nil {
		return err
	}
	_, running, err := background.Running(ctx, dir)
	if err != nil {
		return err
	}
	if !running {
		return fmt.Errorf("the sandbox in %s does not run: `entragate sandbox up` starts it", dir)
	}
	settings, err := sandbox.ReadSettings(dir)
	if err != nil {
		return err
	}
	env, err := sandbox.ReadEnvironment(dir)
	if err != nil {
		return err
	}
	client, err := clouds.LoopbackClient(env["SSL_CERT_FILE"])
	if err != nil {
		return err
	}
	var request any // none asks for the time
	if advance > 0 {
		// Years take minutes, in which everything runs that was due in them.
		client = &http.Client{Transport: client.Transport}
		a.progress("moving the clock of the sandbox by %s", advance)
		request = entra.ClockMove{Advance: advance.String()}
	}
	var status entra.ClockStatus
	if err := control.Call(ctx, client, settings, "/clock", request, &status); err != nil {
		return err
	}
	return a.print(status, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "it is %s in the sandbox, %s ahead of this machine\n", status.Now.Format(time.RFC3339), status.Offset)
		return err
	})
}
