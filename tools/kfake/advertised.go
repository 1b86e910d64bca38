package main

import "net"

// advertising lets kfake tell clients another port than its own, as a broker behind a balancer does.
func advertising(listen listenFn, port int) listenFn {
	return func(network, address string) (net.Listener, error) {
		listener, err := listen(network, address)
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
