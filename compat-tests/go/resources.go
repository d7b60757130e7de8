package main

import (
	"net/http"

	"github.com/tsuru/go-tsuruclient/pkg/tsuru"
)

const (
	team = "demo"
	pool = "local"
	app  = "tf-app"
)

// resources are what the provider makes, in an order in which each finds what it needs.
func resources() []resource {
	return []resource{
		{"tsuru_plan", plan},
		{"tsuru_pool", pools},
		{"tsuru_pool_constraint", constraint},
		{"tsuru_token", token},
		{"tsuru_app", makeApp},
		{"tsuru_app_env", env},
		{"tsuru_app_cname", cname},
		{"tsuru_app_grant", grant},
		{"a deploy, which routers and autoscale need", func(s *session) error { return deploy(s, app) }},
		{"tsuru_app_router", router},
		{"tsuru_app_autoscale", autoscale},
		{"tsuru_certificate_issuer", certificateIssuer},
		{"tsuru_volume, tsuru_volume_bind", volume},
		{"tsuru_router", dynamicRouter},
		{"tsuru_webhook", webhook},
		{"tsuru_cluster", cluster},
		{"tsuru_service, tsuru_service_instance, _bind, _grant", service},
		{"tsuru_app delete", removeApp},
	}
}

func plan(s *session) error {
	api := s.client.PlanApi
	made, answer, err := api.PlanCreate(s.ctx, tsuru.Plan{Name: "tf-plan", Memory: 64 << 20, Cpumilli: 100})
	if err := done("create", answer, err); err != nil {
		return err
	}
	if err := same("the created plan", made.Name, "tf-plan"); err != nil {
		return err
	}
	find := func() (*tsuru.Plan, error) {
		all, answer, err := api.PlanList(s.ctx)
		for _, one := range all {
			if one.Name == "tf-plan" {
				return &one, nil
			}
		}
		return nil, done("list", answer, err)
	}
	read, err := find()
	if err != nil || read == nil {
		return same("the listed plan", read, err)
	}
	if err := first(
		func() error { return same("memory", read.Memory, 64<<20) },
		func() error { return same("cpumilli", read.Cpumilli, 100) },
		func() error { answer, err := api.DeletePlan(s.ctx, "tf-plan"); return done("delete", answer, err) },
	); err != nil {
		return err
	}
	read, err = find()
	if read != nil {
		return same("the deleted plan", read, nil)
	}
	return err
}

func pools(s *session) error {
	api := s.client.PoolApi
	answer, err := api.PoolCreate(s.ctx, tsuru.PoolCreateData{Name: "tf-pool", Provisioner: pool, Labels: map[string]string{"a": "b"}})
	if err := done("create", answer, err); err != nil {
		return err
	}
	read, answer, err := api.PoolGet(s.ctx, "tf-pool")
	return first(
		func() error { return done("read", answer, err) },
		func() error { return same("labels", read.Labels["a"], "b") },
		func() error { return same("provisioner", read.Provisioner, pool) },
		func() error {
			answer, err := api.PoolUpdate(s.ctx, "tf-pool", tsuru.PoolUpdateData{Labels: map[string]string{"c": "d"}})
			return done("update", answer, err)
		},
		func() error {
			read, answer, err := api.PoolGet(s.ctx, "tf-pool")
			if err := done("read", answer, err); err != nil {
				return err
			}
			return same("labels after the update", read.Labels, map[string]string{"c": "d"})
		},
		func() error { answer, err := api.PoolDelete(s.ctx, "tf-pool"); return done("delete", answer, err) },
		func() error { _, answer, _ := api.PoolGet(s.ctx, "tf-pool"); return gone("pool", answer) },
	)
}

func constraint(s *session) error {
	api := s.client.PoolApi
	set := func(values []string) error {
		answer, err := api.ConstraintSet(s.ctx, tsuru.PoolConstraintSet{PoolExpr: "tf-*", Field: "plan", Values: values})
		return done("set", answer, err)
	}
	count := func(wanted int) error {
		all, answer, err := api.ConstraintList(s.ctx)
		found := 0
		for _, one := range all {
			if one.PoolExpr == "tf-*" {
				found++
			}
		}
		if err := done("list", answer, err); err != nil {
			return err
		}
		return same("constraints", found, wanted)
	}
	return first(
		func() error { return set([]string{"c0.1m0.2"}) }, func() error { return count(1) },
		func() error { return set(nil) }, func() error { return count(0) },
	)
}

func token(s *session) error {
	api := s.client.AuthApi
	made, answer, err := api.TeamTokenCreate(s.ctx, tsuru.TeamTokenCreateArgs{TokenId: "tf-token", Team: team, Description: "one", ExpiresIn: 3600})
	if err := done("create", answer, err); err != nil {
		return err
	}
	read, answer, err := api.TeamTokenInfo(s.ctx, "tf-token")
	return first(
		func() error { return done("read", answer, err) },
		func() error { return same("token", read.Token, made.Token) },
		func() error { return same("team", read.Team, team) },
		func() error {
			changed, answer, err := api.TeamTokenUpdate(s.ctx, "tf-token", tsuru.TeamTokenUpdateArgs{Description: "two", ExpiresIn: -1})
			if err := done("update", answer, err); err != nil {
				return err
			}
			return same("description", changed.Description, "two")
		},
		func() error {
			answer, err := api.TeamTokenDelete(s.ctx, "tf-token")
			return done("delete", answer, err)
		},
		func() error { _, answer, _ := api.TeamTokenInfo(s.ctx, "tf-token"); return gone("token", answer) },
	)
}

func makeApp(s *session) error {
	api := s.client.AppApi
	_, answer, err := s.client.PlatformApi.PlatformList(s.ctx)
	if err := done("platforms", answer, err); err != nil {
		return err
	}
	_, answer, err = s.client.PoolApi.PoolList(s.ctx)
	if err := done("pools", answer, err); err != nil {
		return err
	}
	made, answer, err := api.AppCreate(s.ctx, tsuru.InputApp{
		Name: app, Platform: "static", Pool: pool, Plan: "c0.1m0.2", TeamOwner: team, Tags: []string{"a"}, Description: "one",
		Metadata: tsuru.Metadata{Labels: []tsuru.MetadataItem{{Name: "l", Value: "v"}}},
	})
	if err := done("create", answer, err); err != nil {
		return err
	}
	if made.Status != "success" {
		return same("status", made.Status, "success")
	}
	read := func(description string) error {
		found, answer, err := api.AppGet(s.ctx, app)
		return first(
			func() error { return done("read", answer, err) },
			func() error { return same("pool", found.Pool, pool) },
			func() error { return same("plan", found.Plan.Name, "c0.1m0.2") },
			func() error { return same("team", found.TeamOwner, team) },
			func() error { return same("tags", found.Tags, []string{"a"}) },
			func() error { return same("labels", len(found.Metadata.Labels), 1) },
			func() error { return same("description", found.Description, description) },
		)
	}
	return first(
		func() error { return read("one") },
		func() error {
			answer, err := api.AppUpdate(s.ctx, app, tsuru.UpdateApp{
				Platform: "static", Pool: pool, Plan: "c0.1m0.2", TeamOwner: team, Tags: []string{"a"}, Description: "two", NoRestart: true,
			})
			return done("update", answer, err)
		},
		func() error { return read("two") },
	)
}

func env(s *session) error {
	api := s.client.AppApi
	set := func(envs []tsuru.Env) error {
		answer, err := api.EnvSet(s.ctx, app, tsuru.EnvSetData{Envs: envs, ManagedBy: "terraform", PruneUnused: true, Norestart: true})
		return done("set", answer, err)
	}
	mine := func(wanted int) error {
		all, answer, err := api.EnvGet(s.ctx, app, nil)
		if err := done("read", answer, err); err != nil {
			return err
		}
		found := 0
		for _, one := range all {
			if one.ManagedBy == "terraform" {
				found++
			}
		}
		return same("variables managed by terraform", found, wanted)
	}
	return first(
		func() error { return set([]tsuru.Env{{Name: "A", Value: "1"}, {Name: "B", Value: "2", Private: true}}) },
		func() error { return mine(2) },
		func() error { return set([]tsuru.Env{{Name: "A", Value: "3"}}) },
		func() error { return mine(1) },
		func() error { return set([]tsuru.Env{}) },
		func() error { return mine(0) },
	)
}

func cname(s *session) error {
	api, names := s.client.AppApi, tsuru.AppCName{Cname: []string{"tf.example.com"}}
	read := func(wanted []string) error {
		found, answer, err := api.AppGet(s.ctx, app)
		if err := done("read", answer, err); err != nil {
			return err
		}
		return same("cname", found.Cname, wanted)
	}
	return first(
		func() error { answer, err := api.AppCnameAdd(s.ctx, app, names); return done("add", answer, err) },
		func() error { return read(names.Cname) },
		func() error { answer, err := api.AppCnameDelete(s.ctx, app, names); return done("delete", answer, err) },
		func() error { return read([]string{}) },
	)
}

func grant(s *session) error {
	api := s.client.AppApi
	answer, err := s.client.TeamApi.TeamCreate(s.ctx, tsuru.TeamCreateArgs{Name: "tf-team", Tags: []string{"a"}})
	return first(
		func() error { return done("team", answer, err) },
		func() error {
			answer, err := api.AppTeamGrant(s.ctx, app, "tf-team")
			return done("grant", answer, err)
		},
		func() error {
			answer, _ := api.AppTeamGrant(s.ctx, app, "tf-team")
			return same("a second grant", answer.StatusCode, http.StatusConflict)
		},
		func() error {
			found, answer, err := api.AppGet(s.ctx, app)
			if err := done("read", answer, err); err != nil {
				return err
			}
			return same("teams", len(found.Teams), 2)
		},
		func() error {
			answer, err := api.AppTeamRevoke(s.ctx, app, "tf-team")
			return done("revoke", answer, err)
		},
		func() error {
			answer, err := s.client.TeamApi.TeamDelete(s.ctx, "tf-team")
			return done("delete", answer, err)
		},
	)
}

func volume(s *session) error {
	api, bind := s.client.VolumeApi, tsuru.VolumeBindData{App: app, Mountpoint: "/data", Norestart: true}
	return first(
		func() error {
			answer, err := api.VolumeCreate(s.ctx, tsuru.Volume{Name: "tf-volume", Pool: pool, TeamOwner: team, Plan: tsuru.VolumePlan{Name: "local"}})
			return done("create", answer, err)
		},
		func() error {
			answer, err := api.VolumeBind(s.ctx, "tf-volume", bind)
			return done("bind", answer, err)
		},
		func() error {
			read, answer, err := api.VolumeGet(s.ctx, "tf-volume")
			if err := done("read", answer, err); err != nil {
				return err
			}
			return first(
				func() error { return same("binds", len(read.Binds), 1) },
				func() error { return same("mountpoint", read.Binds[0].Id.Mountpoint, "/data") },
				func() error { return same("app", read.Binds[0].Id.App, app) },
			)
		},
		func() error {
			answer, err := api.VolumeUnbind(s.ctx, "tf-volume", bind)
			return done("unbind", answer, err)
		},
		func() error { answer, err := api.VolumeDelete(s.ctx, "tf-volume"); return done("delete", answer, err) },
		func() error { _, answer, _ := api.VolumeGet(s.ctx, "tf-volume"); return gone("volume", answer) },
	)
}

func webhook(s *session) error {
	api := s.client.EventApi
	wanted := tsuru.Webhook{
		Name: "tf-hook", TeamOwner: team, Url: "http://example.com/hook", Method: "POST", Headers: map[string][]string{"X-A": {"b", "c"}},
		EventFilter: tsuru.WebhookEventFilter{KindNames: []string{"app.deploy"}},
	}
	answer, err := api.WebhookCreate(s.ctx, wanted)
	return first(
		func() error { return done("create", answer, err) },
		func() error {
			read, answer, err := api.WebhookGet(s.ctx, wanted.Name)
			return first(
				func() error { return done("read", answer, err) },
				func() error { return same("headers", read.Headers, wanted.Headers) },
				func() error { return same("kinds", read.EventFilter.KindNames, wanted.EventFilter.KindNames) },
			)
		},
		func() error { answer, err := api.WebhookDelete(s.ctx, wanted.Name); return done("delete", answer, err) },
		func() error { _, answer, _ := api.WebhookGet(s.ctx, wanted.Name); return gone("webhook", answer) },
	)
}

func cluster(s *session) error {
	api, pools := s.client.ClusterApi, s.client.PoolApi
	wanted := tsuru.Cluster{Name: "tf-cluster", Addresses: []string{"https://192.0.2.1:6443"}, Provisioner: "kubernetes", Pools: []string{"tf-cluster"}}
	answer, err := pools.PoolCreate(s.ctx, tsuru.PoolCreateData{Name: "tf-cluster", Provisioner: "kubernetes"})
	if err := done("create its pool", answer, err); err != nil {
		return err
	}
	answer, err = api.ClusterCreate(s.ctx, wanted)
	return first(
		func() error { return done("create", answer, err) },
		func() error {
			read, answer, err := api.ClusterInfo(s.ctx, wanted.Name)
			if err := done("read", answer, err); err != nil {
				return err
			}
			return same("addresses", read.Addresses, wanted.Addresses)
		},
		func() error {
			answer, err := api.ClusterUpdate(s.ctx, wanted.Name, wanted)
			return done("update", answer, err)
		},
		func() error { answer, err := api.ClusterDelete(s.ctx, wanted.Name); return done("delete", answer, err) },
		func() error { _, answer, _ := api.ClusterInfo(s.ctx, wanted.Name); return gone("cluster", answer) },
		func() error {
			answer, err := pools.PoolDelete(s.ctx, "tf-cluster")
			return done("delete its pool", answer, err)
		},
	)
}

func removeApp(s *session) error {
	answer, err := s.client.AppApi.AppDelete(s.ctx, app)
	if err := done("delete", answer, err); err != nil {
		return err
	}
	_, answer, _ = s.client.AppApi.AppGet(s.ctx, app)
	return gone("app", answer)
}
