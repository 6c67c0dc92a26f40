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

const (
	// How many of a crowd the semaphore lets in, who sends into a channel, and how many places that has.
	permits   = 10
	producers = 1000
	places    = 1
	roomy     = 64
)

func lock(n int) {
	var mutex sync.Mutex
	for i := 0; i < n; i++ {
		mutex.Lock()
		mutex.Unlock()
	}
}

func lockCrowd(n int) {
	var mutex sync.Mutex
	together(crowd, func(int) {
		for i := 0; i < n/crowd; i++ {
			mutex.Lock()
			runtime.Gosched()
			mutex.Unlock()
		}
	})
}

// Go has no semaphore of its own; a channel with places is its idiom.
func semaphoreOf(n int, tasks int) {
	gate := make(chan struct{}, permits)
	together(tasks, func(int) {
		for i := 0; i < n/tasks; i++ {
			gate <- struct{}{}
			if tasks > 1 {
				runtime.Gosched()
			}
			<-gate
		}
	})
}

// Two goroutines send one item to and fro through two channels of one place.
func queue(n int) {
	here, there := make(chan int, 1), make(chan int, 1)
	play := func(mine, other chan int) {
		for i := 0; i < n/2; i++ {
			<-mine
			other <- i
		}
	}
	here <- 0
	together(2, func(i int) {
		if i == 0 {
			play(here, there)
		} else {
			play(there, here)
		}
	})
}

// Many producers, one consumer, a channel of few places.
func fanIn(n, places int) {
	channel := make(chan int, places)
	for p := 0; p < producers; p++ {
		go func() {
			for i := 0; i < n/producers; i++ {
				channel <- i
			}
		}()
	}
	for i := 0; i < n/producers*producers; i++ {
		<-channel
	}
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
		"cede":            cede,
		"cede-crowd":      func(n int) { together(crowd, func(int) { cede(n / crowd) }) },
		"handoff":         handoff,
		"spawn":           spawn,
		"lock":            lock,
		"lock-crowd":      lockCrowd,
		"semaphore":       func(n int) { semaphoreOf(n, 1) },
		"semaphore-crowd": func(n int) { semaphoreOf(n, crowd) },
		"queue":           queue,
		"fan-in":          func(n int) { fanIn(n, places) },
		"fan-in-roomy":    func(n int) { fanIn(n, roomy) },
		"sleepers":        func(n int) { together(n, func(i int) { time.Sleep(nap(i)) }) },
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
