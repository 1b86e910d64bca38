// Command kfake runs a fake Kafka broker, in memory and on one port, that speaks the real protocol.
//
// It stands in for Kafka in tests, because a real broker needs a Java machine and most of a minute to start.
package main

import (
	"crypto/tls"
	"flag"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type listenFn = func(network, address string) (net.Listener, error)

func main() {
	port := flag.Int("port", 9092, "port to listen on, on 127.0.0.1")
	advertised := flag.Int("advertised-port", 0, "port that clients are told, if not the one it listens on")
	certificate := flag.String("certificate", "", "PEM file: speak TLS only, with this certificate")
	key := flag.String("key", "", "PEM file: the key of the certificate")
	mechanism := flag.String("mechanism", "", "SASL mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	user := flag.String("user", "", "user who may do all, with -mechanism")
	password := flag.String("password", "", "password of the user")
	reader := flag.String("reader", "", "another user, with -mechanism, who may only read")
	readerPassword := flag.String("reader-password", "", "password of the reader")
	dataDir := flag.String("data-dir", "", "folder that keeps topics, groups and rights across restarts")
	autoCreate := flag.Bool("auto-create", false, "create topics when they are first asked for")
	topic := flag.String("topic", "", "a topic with two partitions that is there from the start")
	flag.Parse()

	listen := listenFn(net.Listen)
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(*port), kfake.DefaultNumPartitions(2)}
	if *topic != "" {
		options = append(options, kfake.SeedTopics(2, *topic))
	}
	if *autoCreate {
		options = append(options, kfake.AllowAutoTopicCreation())
	}
	if *mechanism != "" {
		options = append(options, kfake.EnableSASL(), kfake.Superuser(*mechanism, *user, *password))
		listen = namingMechanisms(listen, *mechanism)
	}
	if *reader != "" {
		options = append(options, kfake.EnableACLs(), kfake.User(*mechanism, *reader, *readerPassword,
			mayRead(kmsg.ACLResourceTypeTopic), mayRead(kmsg.ACLResourceTypeGroup)))
	}
	if *dataDir != "" {
		options = append(options, kfake.DataDir(*dataDir))
	}
	if *advertised != 0 {
		listen = advertising(listen, *advertised)
	}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}

	options = append(options, kfake.ListenFn(listen))
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}

func mayRead(resource kmsg.ACLResourceType) kfake.ACL {
	return kfake.ACL{
		Resource:  resource,
		Name:      "*",
		Pattern:   kmsg.ACLResourcePatternTypeLiteral,
		Operation: kmsg.ACLOperationRead,
		Allow:     true,
	}
}
