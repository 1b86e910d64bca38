package main

import "net"

// listenAdvertising lets kfake tell clients another port than its own, as a broker behind a balancer does.
func listenAdvertising(port int) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		listener, err := net.Listen(network, address)
		return advertisingListener{listener, port}, err
	}
}

type advertisingListener struct {
	net.Listener
	port int
}

func (listener advertisingListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: listener.port}
}
