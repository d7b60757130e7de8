// Program metrics-server is the usual one, built of the project's own packages with this cluster's version of Kubernetes. It answers
// everybody who reaches it, which is only this machine and its pods.
package main

import (
	"flag"
	"log"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/metrics-server/pkg/api"
	generated "sigs.k8s.io/metrics-server/pkg/api/generated/openapi"
	"sigs.k8s.io/metrics-server/pkg/scraper/client"
	"sigs.k8s.io/metrics-server/pkg/server"
)

var (
	kubeconfig  = flag.String("kubeconfig", "", "the cluster")
	address     = flag.String("address", "", "where it listens")
	port        = flag.Int("port", 4443, "where it listens")
	certificate = flag.String("certificate", "", "its own")
	key         = flag.String("key", "", "of its certificate")
)

func main() {
	flag.Parse()
	cluster, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	fail(err)
	kubelet := &client.KubeletClientConfig{
		Scheme:              "https",
		DefaultPort:         10250,
		AddressTypePriority: []corev1.NodeAddressType{corev1.NodeInternalIP},
		Client:              *rest.CopyConfig(cluster),
	}
	own, err := ownServer()
	fail(err)
	config := server.Config{Apiserver: own, Rest: cluster, Kubelet: kubelet, MetricResolution: 10 * time.Second, ScrapeTimeout: 9 * time.Second}
	running, err := config.Complete()
	fail(err)
	fail(running.RunUntil(genericapiserver.SetupSignalHandler()))
}

func ownServer() (*genericapiserver.Config, error) {
	config := genericapiserver.NewConfig(api.Codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	names := openapi.NewDefinitionNamer(api.Scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generated.GetOpenAPIDefinitions, names)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generated.GetOpenAPIDefinitions, names)
	for _, info := range []*string{&config.OpenAPIConfig.Info.Title, &config.OpenAPIV3Config.Info.Title} {
		*info = "metrics-server"
	}
	for _, info := range []*string{&config.OpenAPIConfig.Info.Version, &config.OpenAPIV3Config.Info.Version} {
		*info = "0.7.2"
	}
	secure := options.NewSecureServingOptions().WithLoopback()
	secure.BindAddress, secure.BindPort = net.ParseIP(*address), *port
	secure.ServerCert.CertKey = options.CertKey{CertFile: *certificate, KeyFile: *key}
	return config, secure.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig)
}

func fail(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
