// Go's side of the benchmark: goroutines on one processor (GOMAXPROCS=1 unless it is set), because
// the others have one thread, too. It is called with WORK and N, does the work N times, and prints
// one JSON line. A server is called with its name and a port (0: any), prints `listening PORT`, and
// runs until its stdin closes.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How many goroutines share the rounds of the "crowd" works.
const crowd = 100

func together(count int, body func(i int)) {
	var group sync.WaitGroup
	group.Add(count)
	for i := 0; i < count; i++ {
		go func(i int) {
			defer group.Done()
			body(i)
		}(i)
	}
	group.Wait()
}

func cede(n int) {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
}

// Two goroutines hand one permit to and fro; each round is one park, one wake, one resume.
func handoff(n int) {
	here, there := make(chan struct{}), make(chan struct{})
	go func() {
		for range here {
			there <- struct{}{}
		}
	}()
	for i := 0; i < n/2; i++ {
		here <- struct{}{}
		<-there
	}
	close(here)
}

func spawn(n int) {
	done := make(chan struct{})
	for i := 0; i < n; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
}

// How long sleeper i sleeps: 0 to 99.9 ms, in an order that is not the order of starting.
func nap(i int) time.Duration {
	return time.Duration(i*7919%1000) * 100 * time.Microsecond
}

func resident() int {
	runtime.GC()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		panic(err)
	}
	return pages * os.Getpagesize()
}

func memory(n int) float64 {
	before := resident()
	never := make(chan struct{})
	for i := 0; i < n; i++ {
		go func() { <-never }()
	}
	time.Sleep(300 * time.Millisecond)
	return float64(resident()-before) / float64(n)
}

func tcpEcho(port int) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				panic(err)
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 65536)
				for {
					count, err := conn.Read(buffer)
					if err != nil {
						return
					}
					if _, err := conn.Write(buffer[:count]); err != nil {
						return
					}
				}
			}()
		}
	}()
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
}

func udpEcho(port int) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		panic(err)
	}
	go func() {
		buffer := make([]byte, 65536)
		for {
			count, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				panic(err)
			}
			socket.WriteToUDPAddrPort(buffer[:count], from)
		}
	}()
	fmt.Println("listening", socket.LocalAddr().(*net.UDPAddr).Port)
}

func main() {
	speeds := map[string]func(int){
		"cede":       cede,
		"cede-crowd": func(n int) { together(crowd, func(int) { cede(n / crowd) }) },
		"handoff":    handoff,
		"spawn":      spawn,
		"sleepers":   func(n int) { together(n, func(i int) { time.Sleep(nap(i)) }) },
	}
	servers := map[string]func(int){"tcp-echo": tcpEcho, "udp-echo": udpEcho}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "go_peer WORK N")
		os.Exit(2)
	}
	work := os.Args[1]
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	if run, ok := speeds[work]; ok {
		run(n/5 + 1)
		began := time.Now()
		run(n)
		perOp := float64(time.Since(began).Nanoseconds()) / float64(n)
		fmt.Printf("{\"work\": %q, \"n\": %d, \"ns_per_op\": %g}\n", work, n, perOp)
	} else if work == "memory" {
		fmt.Printf("{\"work\": %q, \"n\": %d, \"bytes_per_task\": %g}\n", work, n, memory(n))
	} else if serve, ok := servers[work]; ok {
		serve(n)
		io.Copy(io.Discard, os.Stdin)
	} else {
		fmt.Fprintf(os.Stderr, "Unknown work %q\n", work)
		os.Exit(2)
	}
}
