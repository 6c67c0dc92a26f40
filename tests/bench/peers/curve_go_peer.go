// Go's side of the curves: goroutines on one processor, and jobs on two (GOMAXPROCS=2). See
// curve_common.ts for how it is called and what is measured.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	stepsInAll = 400_000
	waitsInAll = 200_000
	opening    = 32
	workers    = 2
	warm       = 300 * time.Millisecond
	warmN      = 1000
	enough     = 300 * time.Millisecond
	patience   = 2 * time.Second
)

// How often each of n does it, so that all together do it `total` times, and each at least twice.
func turns(n, total int) int {
	return max(2, (total+n-1)/n)
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func processorTime() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func together(n int, body func(i int)) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			defer group.Done()
			body(i)
		}(i)
	}
	group.Wait()
}

func whole(n int, work func()) float64 {
	begun := processorTime()
	work()
	return float64(processorTime()-begun) / float64(n)
}

func steps(n int) float64 {
	rounds := turns(n, stepsInAll)
	// The runtime may let the first ones step before the last ones are there: so all wait at a gate.
	gate := make(chan struct{})
	var group sync.WaitGroup
	group.Add(n)
	waiting := 0
	for i := 0; i < n; i++ {
		go func() {
			defer group.Done()
			waiting++
			<-gate
			for round := 0; round < rounds; round++ {
				runtime.Gosched()
			}
		}()
	}
	for waiting < n {
		runtime.Gosched()
	}
	return whole(n*rounds, func() {
		close(gate)
		group.Wait()
	})
}

func spawns(n int) float64 {
	return whole(n, func() { together(n, func(int) { runtime.Gosched() }) })
}

func sleepers(n int) float64 {
	return whole(n, func() {
		together(n, func(i int) { time.Sleep(time.Duration(i*7919%1000) * 100 * time.Microsecond) })
	})
}

func waits(n int) float64 {
	rounds := turns(n, waitsInAll)
	// In one channel, then in another, to and fro: so nobody can take an item that is another's.
	channels := []chan int{make(chan int), make(chan int)}
	var group sync.WaitGroup
	group.Add(n)
	waiting := 0
	for i := 0; i < n; i++ {
		go func() {
			defer group.Done()
			for round := 0; round < rounds; round++ {
				waiting++
				<-channels[round%2]
			}
		}()
	}
	for waiting < n {
		runtime.Gosched()
	}
	return whole(n*rounds, func() {
		for i := 0; i < n*rounds; i++ {
			channels[i/n%2] <- i
		}
		group.Wait()
	})
}

func connections(n int) float64 {
	return whole(n, func() {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		defer listener.Close()
		go func() {
			for i := 0; i < n; i++ {
				conn, err := listener.Accept()
				if err != nil {
					panic(err)
				}
				go func() {
					defer conn.Close()
					buffer := make([]byte, 2048)
					for {
						count, err := conn.Read(buffer)
						if err != nil {
							return
						}
						conn.Write(buffer[:count])
					}
				}()
			}
		}()
		held := make([]net.Conn, 0, n)
		left := n
		together(opening, func(int) {
			reply := make([]byte, 5)
			for left > 0 {
				left--
				conn, err := net.Dial("tcp", listener.Addr().String())
				if err != nil {
					panic(err)
				}
				held = append(held, conn)
				conn.Write([]byte("hello"))
				if _, err := conn.Read(reply); err != nil {
					panic(err)
				}
			}
		})
		for _, conn := range held {
			conn.Close()
		}
	})
}

type job struct {
	argument int
	result   chan int
}

func jobs(n int) float64 {
	runtime.GOMAXPROCS(workers)
	calls := make(chan job, 1024)
	for i := 0; i < workers; i++ {
		go func() {
			for call := range calls {
				call.result <- call.argument
			}
		}()
	}
	defer close(calls)
	return whole(n, func() {
		results := make([]chan int, n)
		for i := range results {
			results[i] = make(chan int, 1)
			calls <- job{i, results[i]}
		}
		for _, result := range results {
			<-result
		}
	})
}

func until(limit time.Duration, once func()) {
	spent, end := processorTime()+limit.Nanoseconds(), time.Now().Add(patience)
	for {
		once()
		if processorTime() >= spent || time.Now().After(end) {
			return
		}
	}
}

func main() {
	curves := map[string]func(int) float64{
		"steps": steps, "spawns": spawns, "sleepers": sleepers, "waits": waits,
		"connections": connections, "jobs": jobs,
	}
	work, known := curves[os.Args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "Unknown work %q\n", os.Args[1])
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	runtime.GOMAXPROCS(1)
	var samples []float64
	fewer := n
	if fewer > warmN {
		fewer = warmN
	}
	until(warm, func() { work(fewer) })
	until(enough, func() { samples = append(samples, work(n)) })
	sort.Float64s(samples)
	fmt.Printf("{\"work\": %q, \"n\": %d, \"ns_per_op\": %g}\n", os.Args[1], n, samples[len(samples)/2])
}
