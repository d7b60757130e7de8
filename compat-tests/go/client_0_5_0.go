//go:build !client_0_2_0

package main

import "github.com/tsuru/go-tsuruclient/pkg/tsuru"

// versioned are resources that only this version of the client knows.
func versioned() []resource {
	return []resource{
		{"tsuru_job, tsuru_job_env", job},
	}
}

func job(s *session) error {
	api := s.client.JobApi
	wanted := tsuru.InputJob{
		Name: "tf-job", Pool: pool, Plan: "c0.1m0.2", TeamOwner: team, Description: "one", Schedule: "0 3 * * *",
		Container: tsuru.JobSpecContainer{Image: "tsuru/python", Command: []string{"true"}},
	}
	answer, err := api.CreateJob(s.ctx, wanted)
	return first(
		func() error { return done("create", answer, err) },
		func() error {
			read, answer, err := api.GetJob(s.ctx, wanted.Name)
			return first(
				func() error { return done("read", answer, err) },
				func() error { return same("schedule", read.Job.Spec.Schedule, wanted.Schedule) },
				func() error { return same("plan", read.Job.Plan.Name, wanted.Plan) },
				func() error { return same("team", read.Job.TeamOwner, team) },
			)
		},
		func() error {
			answer, err := api.JobEnvSet(s.ctx, wanted.Name, tsuru.EnvSetData{
				Envs: []tsuru.Env{{Name: "A", Value: "1"}}, ManagedBy: "terraform", PruneUnused: true,
			})
			return done("set env", answer, err)
		},
		func() error {
			all, answer, err := api.JobEnvGet(s.ctx, wanted.Name, nil)
			if err := done("read env", answer, err); err != nil {
				return err
			}
			for _, one := range all {
				if one.Name == "A" {
					return same("managed by", one.ManagedBy, "terraform")
				}
			}
			return same("variables", all, "A")
		},
		func() error {
			wanted.Description = "two"
			answer, err := api.UpdateJob(s.ctx, wanted.Name, wanted)
			return done("update", answer, err)
		},
		func() error { answer, err := api.DeleteJob(s.ctx, wanted.Name); return done("delete", answer, err) },
		func() error { _, answer, _ := api.GetJob(s.ctx, wanted.Name); return gone("job", answer) },
	)
}
